" Vim filetype plugin
" Language: Polder

if exists('b:did_ftplugin')
  finish
endif
let b:did_ftplugin = 1

" The canonical form, as `polder fmt` writes it.
setlocal expandtab shiftwidth=2 softtabstop=2 tabstop=2
setlocal comments=:##,:# commentstring=#\ %s
setlocal formatoptions-=t formatoptions+=croql
" Names hold hyphens.
setlocal iskeyword+=-
setlocal suffixesadd=.polder

if !exists('current_compiler')
  compiler polder
endif

command! -buffer PolderFormat call polder#Format()
command! -buffer PolderManifests call polder#Manifests()

let b:undo_ftplugin = 'setlocal expandtab< shiftwidth< softtabstop< tabstop< comments< commentstring< formatoptions<'
      \ .. ' iskeyword< suffixesadd< makeprg< errorformat<'
      \ .. ' | delcommand PolderFormat | delcommand PolderManifests'
