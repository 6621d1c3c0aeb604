" The Vim syntax over every program that `cargo test --test tests editors::` left in its folder: each word has the group of what
" the compiler takes it for.
"
"   POLDER_CASES=CASES.json vim -es -u NONE -i NONE --cmd 'set rtp^=editors/vim' -S editors/test/syntax.vim

let s:classes = {
      \ 'Keyword': 'Word$',
      \ 'Namespace': '^polder\(Namespace\|Path\|CidrPath\|FqdnPath\|ServerPath\|Renamed\|Component\)$',
      \ 'Endpoint': '^polder\(Endpoint\|Tier\|Group\|Cidr\|Fqdn\|Server\|First\|Operand\)$',
      \ 'BuiltIn': '^polderBuiltIn$',
      \ 'Wildcard': '^polder\(Wildcard\|PortWildcard\)$',
      \ 'Environment': '^polderEnvironment$',
      \ 'PortName': '^polder\(PortName\|PortEntry\|PortsName\)$',
      \ 'Number': '^polder\(Number\|ServerNumber\|Version\)$',
      \ 'Protocol': '^polderProtocol$',
      \ 'Container': '^polderContainer$',
      \ 'Address': '^polder\(Address\|ServerAddress\)$',
      \ 'DnsName': '^polderDnsName$',
      \ 'Key': '^polder\(Key\|Compared\|InSet\)$',
      \ 'Value': '^polderValue$',
      \ 'Choice': '^polder\(Direction\|Preset\|Cni\)$',
      \ 'Comment': '^polderComment$',
      \ 'Doc': '^polderDoc$',
      \ 'Directive': '^polderDirective$',
      \ }

function! s:Say(text) abort
  call writefile(split(a:text, "\n", 1), '/dev/stderr', 'a')
endfunction

function! s:Run() abort
  let l:cases = json_decode(join(readfile($POLDER_CASES), "\n"))
  let [l:failed, l:words] = [0, 0]
  setlocal noswapfile undolevels=-1
  syntax on
  for l:case in l:cases
    silent %delete _
    call setline(1, split(l:case.text, '\r\?\n', 1))
    setlocal filetype=
    syntax clear
    unlet! b:current_syntax
    runtime syntax/polder.vim
    let l:problems = []
    for l:word in l:case.words
      let l:words += 1
      for l:column in [l:word.startByte + 1, l:word.endByte]
        let l:group = synIDattr(synID(l:word.line + 1, l:column, 1), 'name')
        if l:group !~# s:classes[l:word.class]
          let l:text = getline(l:word.line + 1)[l:word.startByte : l:word.endByte - 1]
          call add(l:problems, printf('%d:%d: `%s` is %s, not %s', l:word.line + 1, l:column, l:text, l:word.class,
                \ empty(l:group) ? 'nothing' : l:group))
          break
        endif
      endfor
    endfor
    if !empty(l:problems)
      let l:failed += 1
      if l:failed <= 3
        call s:Say(join(l:problems[:9], "\n") .. "\n" .. l:case.text .. "\n")
      endif
    endif
  endfor
  if l:failed > 0 || l:words < 10000
    call s:Say(printf('%d of %d programs (%d words) have wrong groups', l:failed, len(l:cases), l:words))
    cquit
  endif
  call s:Say(printf('%s: %d words of %d programs have the right group', has('nvim') ? 'Neovim' : 'Vim', l:words, len(l:cases)))
endfunction

try
  call s:Run()
catch
  call s:Say(v:throwpoint .. ': ' .. v:exception)
  cquit
endtry
qall!
