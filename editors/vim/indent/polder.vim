" Vim indent file
" Language: Polder

if exists('b:did_indent')
  finish
endif
let b:did_indent = 1

setlocal indentexpr=GetPolderIndent(v:lnum)
setlocal indentkeys=0{,0},0),!^F,o,O
let b:undo_indent = 'setlocal indentexpr< indentkeys<'

if exists('*GetPolderIndent')
  finish
endif

" What the first line of a block begins with.
let s:head = '^\s*\%(external\s\+\)\?\%(namespace\|platform\|environment\)\>'

" A line without its comment and the space behind it.
function! s:Code(line) abort
  return substitute(substitute(getline(a:line), '#.*', '', ''), '\s\+$', '', '')
endfunction

" The place of the bracket that is open where a line begins; line 0 where none is.
function! s:Open(line) abort
  let l:comment = 'getline(".")[: col(".") - 1] =~# "#"'
  call cursor(a:line, 1)
  return searchpairpos('[{(]', '', '[})]', 'bnW', l:comment, 0, 200)
endfunction

" The line that the head of the block begins in whose bracket this is; 0 where it holds a list.
function! s:Head(line, column) abort
  if getline(a:line)[a:column - 1] !=# '{'
    return 0
  endif
  let l:line = a:line
  " The head may have a selector of several lines: `) {`.
  while s:Code(l:line) =~# '^\s*)'
    let [l:above, l:column] = s:Open(l:line)
    if l:above == 0
      break
    endif
    let l:line = l:above
  endwhile
  " It may name several namespaces, each on its line.
  let l:above = prevnonblank(l:line - 1)
  while s:Code(l:line) !~# s:head && l:above > 0 && s:Code(l:above) =~# ',$\|^\s*$'
    let l:line = l:above
    let l:above = prevnonblank(l:line - 1)
  endwhile
  return s:Code(l:line) =~# s:head ? l:line : 0
endfunction

" How much deeper than its statement a line stands that goes on behind a mark at the end of the line above.
function! s:Continued(line, open) abort
  let l:above = prevnonblank(a:line - 1)
  let l:steps = 0
  while l:above > a:open
    let l:code = s:Code(l:above)
    if !empty(l:code) && l:code !~# '\%(->>\?\|[,=]\)$'
      break
    endif
    if !empty(l:code)
      " The list behind `except` and `for` stands deeper than the first one, names deeper than what is in their block.
      let l:steps = max([l:steps, l:code =~# '[ \t]\%(except\|for\)[ \t]\|^\s*\%(external\s\+\)\?namespace\>' ? 2 : 1])
    endif
    let l:above = prevnonblank(l:above - 1)
  endwhile
  return l:steps * shiftwidth()
endfunction

function! s:Indent(line) abort
  let [l:open, l:column] = s:Open(a:line)
  if l:open == 0
    return s:Continued(a:line, 0)
  endif
  let l:head = s:Head(l:open, l:column)
  let l:base = indent(l:head > 0 ? l:head : l:open)
  if getline(a:line) =~# '^\s*[})]'
    return l:base
  endif
  return l:base + shiftwidth() + (l:head > 0 ? s:Continued(a:line, l:open) : 0)
endfunction

function! GetPolderIndent(line) abort
  let l:cursor = getcurpos()
  try
    return s:Indent(a:line)
  finally
    call setpos('.', l:cursor)
  endtry
endfunction
