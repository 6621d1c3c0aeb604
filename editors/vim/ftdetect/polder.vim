autocmd BufNewFile,BufRead *.polder setfiletype polder
