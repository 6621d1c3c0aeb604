-- For Neovim 0.11 and newer: `vim.lsp.enable('polder')`, and `vim.lsp.config('polder', { ... })` to change it.
return {
  cmd = { vim.g.polder_command or 'polder', 'lsp' },
  filetypes = { 'polder' },
  root_markers = { 'polder.toml' },
}
