" Indenting what `polder fmt` wrote changes nothing.
"
"   vim -es -u NONE -i NONE --cmd 'set nocp rtp^=editors/vim' -S editors/test/indent.vim

filetype plugin indent on
set noswapfile
let s:files = glob('examples/**/*.polder', 0, 1) + glob('src/model/catalogue/*.polder', 0, 1)
let s:files += glob('tests/fmt/*.formatted', 0, 1)
let s:problems = []
for s:file in s:files
  execute 'silent edit!' s:file
  setfiletype polder
  let s:before = getline(1, '$')
  silent normal! gg=G
  for s:line in range(len(s:before))
    if getline(s:line + 1) !=# s:before[s:line]
      call add(s:problems, s:file .. ':' .. (s:line + 1) .. ': ' .. getline(s:line + 1) .. '|')
    endif
  endfor
endfor
if !empty(s:problems) || len(s:files) < 40
  call writefile(s:problems + [len(s:files) .. ' files, ' .. len(s:problems) .. ' lines have another indent'],
        \ '/dev/stderr', 'a')
  cquit
endif
call writefile([(has('nvim') ? 'Neovim: ' : 'Vim: ') .. len(s:files) .. ' files keep their indent'], '/dev/stderr', 'a')
qall!
