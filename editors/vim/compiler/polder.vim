" Vim compiler file
" Compiler: polder check, for the project that the current folder is in; `:make FILE` for one file alone

if exists('current_compiler')
  finish
endif
let current_compiler = 'polder'

CompilerSet makeprg=polder\ check\ --format\ short\ $*
CompilerSet errorformat=%f:%l:%c:\ %trror:\ %m,%f:%l:%c:\ %tarning:\ %m,%trror:\ %m,%tarning:\ %m,%-G%.%#
