--- Polder for Neovim 0.7 and newer. Nothing has to be called: the filetype plugin does it.
local M = {}

--- The command that starts the server; set `vim.g.polder_command` to another path of `polder`.
local function executable()
  return vim.g.polder_command or 'polder'
end

--- The folder that a buffer's program is in: the nearest one upwards with polder.toml, or else its own.
function M.root(buffer)
  local folder = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buffer), ':p:h')
  local file = vim.fn.findfile('polder.toml', vim.fn.escape(folder, ' ,;\\') .. ';')
  if file == '' then
    return folder
  end
  return vim.fn.fnamemodify(file, ':p:h')
end

--- The servers of Neovim 0.7, by the folder of their program.
local clients = {}

--- Attaches the server to a buffer; one server looks after a program.
function M.start(buffer)
  -- Then plugin/polder.lua has seen to it.
  if vim.lsp.enable then
    return
  end
  if buffer == 0 then
    buffer = vim.api.nvim_get_current_buf()
  end
  if vim.fn.executable(executable()) == 0 then
    return
  end
  local root = M.root(buffer)
  local config = { name = 'polder', cmd = { executable(), 'lsp' }, root_dir = root }
  config.capabilities = vim.lsp.protocol.make_client_capabilities()
  if vim.lsp.start then
    vim.lsp.start(config, { bufnr = buffer })
    return
  end
  config.on_exit = function()
    clients[root] = nil
  end
  clients[root] = clients[root] or vim.lsp.start_client(config)
  if clients[root] then
    vim.lsp.buf_attach_client(buffer, clients[root])
  end
end

--- Colours a buffer by the tree-sitter parser where one is installed; the syntax file does it otherwise.
function M.highlight(buffer)
  if buffer == 0 then
    buffer = vim.api.nvim_get_current_buf()
  end
  if #vim.api.nvim_get_runtime_file('parser/polder.so', false) == 0 then
    return
  end
  if vim.treesitter.start then
    vim.treesitter.start(buffer, 'polder')
    return
  end
  -- Neovim 0.7 has no folds of its own by the parser, and starts the highlighter by hand. It asks for captures by older
  -- names.
  local map = vim.treesitter.highlighter.hl_map
  for capture, group in pairs(M.groups) do
    map[capture] = map[capture] or group
  end
  vim.treesitter.highlighter.new(vim.treesitter.get_parser(buffer, 'polder'))
end

--- The groups of captures that Neovim 0.7 does not know.
M.groups = {
  ['attribute'] = 'Function',
  ['comment'] = 'Comment',
  ['comment.documentation'] = 'SpecialComment',
  ['constant.builtin'] = 'Constant',
  ['keyword'] = 'Statement',
  ['keyword.directive'] = 'PreProc',
  ['label'] = 'Label',
  ['module'] = 'Include',
  ['number'] = 'Number',
  ['operator'] = 'Operator',
  ['property'] = 'Type',
  ['punctuation.bracket'] = 'Delimiter',
  ['punctuation.delimiter'] = 'Delimiter',
  ['string'] = 'String',
  ['string.special'] = 'Float',
  ['type'] = 'Identifier',
  ['type.builtin'] = 'Special',
}

--- Shows lines in a window beside the program.
local function beside(lines, filetype)
  vim.cmd('vertical new')
  vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
  vim.bo.buftype = 'nofile'
  vim.bo.bufhidden = 'wipe'
  vim.bo.filetype = filetype
  vim.bo.modifiable = false
end

--- What the lenses of the server run: each gives a text to show.
for command, filetype in pairs({
  ['polder.manifests'] = 'yaml',
  ['polder.reach'] = 'markdown',
  ['polder.explain'] = 'markdown',
}) do
  vim.lsp.commands[command] = function(asked, context)
    local parameters = { command = asked.command, arguments = asked.arguments }
    vim.lsp.buf_request(context.bufnr or 0, 'workspace/executeCommand', parameters, function(problem, text)
      if problem then
        vim.notify(problem.message, vim.log.levels.ERROR)
      elseif type(text) == 'string' then
        beside(vim.split(text, '\n'), filetype)
      end
    end)
  end
end

--- The namespace whose block the cursor is in, if it is in one.
local function namespace()
  for number = vim.api.nvim_win_get_cursor(0)[1], 1, -1 do
    local line = vim.fn.getline(number)
    local name = line:match('^namespace%s+([%w-]+)')
    if name or (line:match('^}') and number ~= vim.api.nvim_win_get_cursor(0)[1]) then
      return name
    end
  end
end

--- Shows the NetworkPolicies that this buffer's program becomes, in a window beside it, from those of the namespace under the
--- cursor on.
function M.manifests()
  local here = namespace()
  local root = M.root(0)
  local has_project = vim.fn.filereadable(root .. '/polder.toml') == 1
  local program = has_project and root or vim.api.nvim_buf_get_name(0)
  local errors = vim.fn.tempname()
  local shell = table.concat(vim.tbl_map(vim.fn.shellescape, { executable(), 'build', '-o', '-', program }), ' ')
  local lines = vim.fn.systemlist(shell .. ' 2>' .. vim.fn.shellescape(errors))
  if vim.v.shell_error ~= 0 then
    local said = vim.fn.filereadable(errors) == 1 and vim.fn.readfile(errors) or {}
    vim.notify(table.concat(said, '\n'), vim.log.levels.ERROR)
    return
  end
  beside(lines, 'yaml')
  -- The name stands below the first line of a policy.
  local found = here and vim.fn.search('^  namespace: "' .. here .. '"', 'cw') or 0
  if found > 0 then
    vim.fn.search('^apiVersion:', 'bcW')
    vim.cmd('normal! zt')
  end
end

return M
