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

" Whether a bracket holds statements; any other holds a list.
function! s:IsBlock(line, column) abort
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
  return s:Code(l:line) =~# '^\s*\%(external\s\+\)\?\%(namespace\|platform\|environment\)\>'
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
      " The list behind `except` and `for` stands deeper than the first one.
      let l:steps = max([l:steps, l:code =~# '[ \t]\%(except\|for\)[ \t]' ? 2 : 1])
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
  if getline(a:line) =~# '^\s*[})]'
    return indent(l:open)
  endif
  let l:deeper = s:IsBlock(l:open, l:column) ? s:Continued(a:line, l:open) : 0
  return indent(l:open) + shiftwidth() + l:deeper
endfunction

function! GetPolderIndent(line) abort
  let l:cursor = getcurpos()
  try
    return s:Indent(a:line)
  finally
    call setpos('.', l:cursor)
  endtry
endfunction
