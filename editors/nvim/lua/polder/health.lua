--- `:checkhealth polder`
local M = {}

function M.check()
  local health = vim.health
  local start = health and health.start or require('health').report_start
  local ok = health and health.ok or require('health').report_ok
  local warn = health and health.warn or require('health').report_warn
  start('polder')
  local command = vim.g.polder_command or 'polder'
  if vim.fn.executable(command) == 1 then
    ok(vim.fn.system({ command, '--version' }):gsub('%s+$', ''))
  else
    warn(command .. ' is not on the path: no diagnostics, no completion, no formatting')
  end
  if #vim.api.nvim_get_runtime_file('parser/polder.so', false) > 0 then
    local loaded, problem = pcall(vim.treesitter.get_string_parser, 'tier web\n', 'polder')
    if loaded then
      ok('the tree-sitter parser is loaded')
    else
      warn('the tree-sitter parser cannot be loaded: ' .. tostring(problem))
    end
  else
    warn('no tree-sitter parser: colours come from the syntax file')
  end
end

return M
