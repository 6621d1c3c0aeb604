" Vim with the package and the language server by ALE, as a user has them: opens a program, sees the diagnostic,
" completes, jumps, renames, formats, runs the compiler.
"
"   POLDER=target/debug/polder vim --not-a-term -N -u NONE -i NONE -S editors/test/server.vim

let s:done = []

function! s:Say(text) abort
  call writefile([a:text], '/dev/stderr', 'a')
endfunction

function! s:Check(condition, text) abort
  if !a:condition
    throw a:text
  endif
endfunction

function! s:Wait(what, condition) abort
  for l:turn in range(500)
    if eval(a:condition)
      return
    endif
    sleep 20m
  endfor
  throw 'waited for ' .. a:what
endfunction

function! s:Run() abort
  let l:folder = tempname()
  call mkdir(l:folder, 'p')
  call writefile([''], l:folder .. '/polder.toml')
  call writefile(['namespace data {', '  tier postgres { sql: 5432/tcp }', '}'], l:folder .. '/data.polder')
  call writefile(['namespace shop {', '  tier web', '', '  web -> data/postgres:sql', '  web -> data/postgrs:sql', '}'],
        \ l:folder .. '/shop.polder')

  let g:polder_command = $POLDER
  let g:ale_lint_on_text_changed = 'always'
  let g:ale_lint_delay = 20
  let g:ale_linters = {'polder': ['polder']}
  execute 'set runtimepath^=' .. getcwd() .. '/editors/vim'
  execute 'set runtimepath+=' .. $POLDER_ALE
  set noswapfile hidden nomore
  filetype plugin indent on
  syntax on
  runtime plugin/ale.vim

  execute 'edit' l:folder .. '/shop.polder'
  call s:Check(&filetype ==# 'polder' && &shiftwidth == 2, 'the filetype is ' .. &filetype)

  execute 'lcd' l:folder
  let &l:makeprg = substitute(&l:makeprg, '^polder', escape($POLDER, '\&'), '')
  silent make!
  let l:found = getqflist()
  call s:Check(len(l:found) == 1 && l:found[0].lnum == 5 && l:found[0].type ==# 'e', 'make gives ' .. string(l:found))
  call add(s:done, 'compiler')

  let l:buffer = bufnr('%')
  call s:Wait('the diagnostic', 'len(ale#engine#GetLoclist(' .. l:buffer .. ')) > 0')
  let l:diagnostic = ale#engine#GetLoclist(l:buffer)[0]
  call s:Check(l:diagnostic.lnum == 5 && l:diagnostic.text =~# 'postgrs', 'another diagnostic: ' .. string(l:diagnostic))
  call add(s:done, 'diagnostic')

  call setline(5, '  web -> data/po')
  call cursor(5, 1)
  setlocal omnifunc=ale#completion#OmniFunc completeopt=menuone
  execute "normal! A\<C-x>\<C-o>"
  call s:Check(getline(5) ==# '  web -> data/postgres', 'completion gives ' .. getline(5))
  call add(s:done, 'completion')

  call setline(5, '   web   ->   data/postgres:sql')
  doautocmd TextChanged
  call s:Wait('no error', 'empty(filter(copy(ale#engine#GetLoclist(' .. l:buffer .. ')), "v:val.type ==# \"E\""))')
  call add(s:done, 'mended')

  call cursor(4, 17)
  ALEGoToDefinition
  call s:Wait('the jump', 'expand("%:t") ==# "data.polder"')
  call s:Check(line('.') == 2, 'the jump goes to line ' .. line('.'))
  call add(s:done, 'jump')

  execute 'buffer' l:buffer
  call cursor(4, 17)
  runtime autoload/ale/util.vim
  function! ale#util#Input(...) abort
    return 'mysql'
  endfunction
  ALERename
  call s:Wait('the new name', 'getbufline(' .. l:buffer .. ', 4)[0] ==# "  web -> data/mysql:sql"')
  call s:Check(getbufline(bufnr(l:folder .. '/data.polder'), 2)[0] =~# 'tier mysql', 'the other file keeps the old name')
  call add(s:done, 'rename')

  execute 'buffer' l:buffer
  PolderFormat
  call s:Check(getline(5) ==# '  web -> data/mysql:sql', 'the text is not formatted: ' .. getline(5))
  call add(s:done, 'format')

  silent wall
  PolderManifests
  call s:Check(&filetype ==# 'yaml' && getline(1) =~# 'apiVersion', 'other manifests: ' .. getline(1))
  call add(s:done, 'manifests')
  call delete(l:folder, 'rf')
  call s:Say(printf('Vim %d.%d with ALE: %s', v:version / 100, v:version % 100, join(s:done, ', ')))
endfunction

try
  call s:Run()
catch
  call s:Say(v:throwpoint .. ': ' .. v:exception)
  cquit
endtry
qall!
