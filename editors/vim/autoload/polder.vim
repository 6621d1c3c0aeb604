" What the commands of Polder do.

function! polder#Command() abort
  return get(g:, 'polder_command', 'polder')
endfunction

" The folder of a buffer's program: the nearest one upwards with polder.toml, or that of the file.
function! polder#Root(buffer) abort
  let l:folder = fnamemodify(bufname(a:buffer), ':p:h')
  let l:file = findfile('polder.toml', escape(l:folder, ' ,;\') .. ';')
  return empty(l:file) ? l:folder : fnamemodify(l:file, ':p:h')
endfunction

" What a command prints, and whether it went well; what it says is shown where it did not.
function! s:Run(arguments, input, codes) abort
  let l:errors = tempname()
  let l:shell = join(map([polder#Command()] + a:arguments, 'shellescape(v:val)'), ' ') .. ' 2>' .. shellescape(l:errors)
  let l:lines = a:input is v:null ? systemlist(l:shell) : systemlist(l:shell, a:input)
  let l:fine = index(a:codes, v:shell_error) >= 0
  if !l:fine
    echohl ErrorMsg
    for l:line in filereadable(l:errors) ? readfile(l:errors) : []
      echomsg l:line
    endfor
    echohl None
  endif
  call delete(l:errors)
  return [l:fine, l:lines]
endfunction

" Brings the buffer into the canonical form. It stays as it is, and the errors are shown, where something is not understood.
function! polder#Format() abort
  let [l:fine, l:lines] = s:Run(['fmt', '--format', 'short', '-'], getline(1, '$'), [0])
  if !l:fine || l:lines ==# getline(1, '$')
    return
  endif
  let l:view = winsaveview()
  call setline(1, l:lines)
  if line('$') > len(l:lines)
    silent execute (len(l:lines) + 1) .. ',$delete _'
  endif
  call winrestview(l:view)
endfunction

" Shows the NetworkPolicies that the buffer's program becomes, in a window beside it.
function! polder#Manifests() abort
  let l:here = s:Namespace()
  let l:root = polder#Root(bufnr('%'))
  let l:program = filereadable(l:root .. '/polder.toml') ? l:root : expand('%:p')
  let [l:fine, l:lines] = s:Run(['build', '-o', '-', l:program], v:null, [0])
  if !l:fine
    return
  endif
  vertical new
  setlocal buftype=nofile bufhidden=wipe noswapfile
  call setline(1, l:lines)
  setlocal filetype=yaml nomodifiable
  " The name stands below the first line of a policy.
  if !empty(l:here) && search('^  namespace: "' . l:here . '"', 'cw')
    call search('^apiVersion:', 'bcW')
    normal! zt
  endif
endfunction

" The namespace whose block the cursor is in, or nothing.
function! s:Namespace() abort
  let l:line = line('.')
  while l:line > 0
    let l:name = matchstr(getline(l:line), '^namespace\s\+\zs[[:alnum:]-]\+')
    if !empty(l:name) || (l:line != line('.') && getline(l:line) =~# '^}')
      return l:name
    endif
    let l:line -= 1
  endwhile
  return ''
endfunction
