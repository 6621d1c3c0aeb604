if vim.g.loaded_polder then
  return
end
vim.g.loaded_polder = true

-- Neovim 0.11 and newer starts servers itself.
if vim.lsp.enable and vim.g.polder_lsp ~= false then
  vim.lsp.enable('polder')
end

local command = vim.api.nvim_create_user_command
command('PolderManifests', function()
  require('polder').manifests()
end, { desc = 'Show the NetworkPolicies of this file beside it' })
