-- Filetype plugin for Polder. `vim.g.polder_lsp = false` leaves the server out, `vim.g.polder_treesitter = false` the
-- tree-sitter parser.
if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = 1

-- The canonical form, as `polder fmt` writes it.
vim.bo.expandtab = true
vim.bo.shiftwidth = 2
vim.bo.softtabstop = 2
vim.bo.tabstop = 2
vim.bo.comments = ':##,:#'
vim.bo.commentstring = '# %s'
vim.bo.suffixesadd = '.polder'
vim.opt_local.formatoptions:remove('t')
vim.opt_local.formatoptions:append('croql')
-- Names hold hyphens.
vim.opt_local.iskeyword:append('-')
vim.cmd('compiler polder')

vim.b.undo_ftplugin = 'setlocal expandtab< shiftwidth< softtabstop< tabstop< comments< commentstring< suffixesadd<'
  .. ' formatoptions< iskeyword< makeprg< errorformat<'

local polder = require('polder')
if vim.g.polder_treesitter ~= false then
  polder.highlight(0)
end
if vim.g.polder_lsp ~= false then
  polder.start(0)
end
