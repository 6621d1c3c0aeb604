-- Neovim with the package and the language server, as a user has them: opens a program, sees the diagnostic, completes,
-- jumps, renames, formats; and its tree-sitter parser, where POLDER_PARSER is a folder with parser/polder.so.
--
--   POLDER=target/debug/polder nvim --headless -u NONE -i NONE -l/-S editors/test/nvim.lua
--
-- Runs in Neovim 0.7 and newer.

local root = vim.fn.getcwd()
local server = os.getenv('POLDER_SERVER') ~= '0'
local done = {}

local function fail(text)
  io.stderr:write('nvim: ' .. text .. '\n')
  vim.cmd('cquit')
end

local function check(condition, text)
  if not condition then
    fail(text)
  end
end

local function passed(what)
  table.insert(done, what)
end

local function wait(what, condition)
  check(vim.wait(10000, condition, 20), 'waited for ' .. what)
end

local function run()
  -- A program of two files in a folder of its own.
  local folder = vim.fn.tempname()
  vim.fn.mkdir(folder, 'p')
  local function write(name, text)
    vim.fn.writefile(vim.split(text, '\n'), folder .. '/' .. name)
  end
  write('polder.toml', '')
  write('data.polder', 'namespace data {\n  tier postgres { sql: 5432/tcp }\n}')
  write('shop.polder', 'namespace shop {\n  tier web\n\n  web -> data/postgres:sql\n  web -> data/postgrs:sql\n}')

  vim.opt.runtimepath:prepend(root .. '/editors/nvim')
  if os.getenv('POLDER_PARSER') then
    vim.opt.runtimepath:append(os.getenv('POLDER_PARSER'))
  end
  vim.g.polder_command = os.getenv('POLDER')
  vim.g.polder_lsp = server
  vim.cmd('filetype plugin indent on')
  vim.cmd('syntax on')
  vim.cmd('runtime! plugin/polder.lua')
  vim.opt.swapfile = false
  vim.opt.hidden = true

  vim.cmd('edit ' .. folder .. '/shop.polder')
  local buffer = vim.api.nvim_get_current_buf()
  check(vim.bo.filetype == 'polder', 'the filetype is ' .. vim.bo.filetype)
  check(vim.bo.shiftwidth == 2 and vim.bo.expandtab, 'the options are not set')
  check(vim.bo.makeprg:find('polder check'), 'the compiler is not set')
  passed('filetype')

  -- Tree-sitter: the parser is loaded, and the queries are read by this Neovim.
  if os.getenv('POLDER_PARSER') then
    local parser = vim.treesitter.get_parser(buffer, 'polder')
    local tree = parser:parse()[1]
    check(tree:root():type() == 'source_file' and not tree:root():has_error(), 'the parser gives an error')
    local get = vim.treesitter.query and vim.treesitter.query.get or vim.treesitter.get_query
    for _, name in ipairs({ 'highlights', 'folds', 'indents', 'locals', 'injections', 'textobjects' }) do
      check(get('polder', name), 'no query ' .. name)
    end
    local query = get('polder', 'highlights')
    local found = {}
    for id, node in query:iter_captures(tree:root(), buffer, 0, -1) do
      local row, column = node:start()
      found[row .. ':' .. column] = query.captures[id]
    end
    check(found['0:0'] == 'keyword' and found['0:10'] == 'module', 'a namespace has other captures')
    check(found['1:7'] == 'type' and found['3:9'] == 'module', 'a tier has other captures')
    check(vim.treesitter.highlighter.active[buffer], 'the highlighter is not active')
    passed('tree-sitter')
  end

  vim.cmd('checkhealth polder')
  local health = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
  check(health:find('polder %d'), 'the health is ' .. health)
  check(not os.getenv('POLDER_PARSER') or health:find('parser is loaded'), 'the health is ' .. health)
  passed('health')
  vim.cmd('enew')
  vim.api.nvim_set_current_buf(buffer)

  -- What is wrong is said, not shown as manifests.
  check(not pcall(vim.cmd, 'PolderManifests') or vim.bo.filetype == 'polder', 'manifests of a program with errors')

  if server then
    local get_clients = vim.lsp.get_clients or vim.lsp.get_active_clients
    wait('the server', function()
      return #get_clients({ bufnr = buffer }) > 0 and get_clients({ bufnr = buffer })[1].server_capabilities ~= nil
        and vim.lsp.buf_is_attached(buffer, get_clients()[1].id)
    end)
    local client = get_clients()[1]

    wait('the diagnostic', function()
      return #vim.diagnostic.get(buffer) > 0
    end)
    local diagnostic = vim.diagnostic.get(buffer)[1]
    check(diagnostic.lnum == 4 and diagnostic.code == 'E0102', 'another diagnostic: ' .. vim.inspect(diagnostic))
    check(diagnostic.message:find('postgrs'), 'another message: ' .. diagnostic.message)
    passed('diagnostic')

    local function request(method, params)
      local answers = vim.lsp.buf_request_sync(buffer, method, params, 10000)
      check(answers and answers[client.id], method .. ': no answer')
      check(not answers[client.id].err, method .. ': ' .. vim.inspect(answers[client.id].err))
      return answers[client.id].result
    end
    local function at(line, column)
      return { textDocument = { uri = vim.uri_from_bufnr(buffer) }, position = { line = line, character = column } }
    end

    -- Mended: the diagnostic goes away.
    vim.api.nvim_buf_set_lines(buffer, 4, 5, false, { '  web -> data/' })
    local completion = request('textDocument/completion', at(4, 14))
    local labels = vim.tbl_map(function(item)
      return item.label
    end, completion.items or completion)
    check(vim.tbl_contains(labels, 'postgres'), 'completion offers ' .. vim.inspect(labels))
    passed('completion')

    vim.api.nvim_buf_set_lines(buffer, 4, 5, false, { '   web   ->   data/postgres:sql' })
    wait('no error', function()
      return #vim.diagnostic.get(buffer, { severity = vim.diagnostic.severity.ERROR }) == 0
    end)
    passed('mended')

    local definition = request('textDocument/definition', at(3, 16))
    local place = definition[1] or definition
    check((place.uri or place.targetUri):find('data.polder'), 'the definition is ' .. vim.inspect(definition))
    vim.api.nvim_win_set_cursor(0, { 4, 16 })
    vim.lsp.buf.definition()
    wait('the jump', function()
      return vim.api.nvim_buf_get_name(0):find('data.polder') ~= nil
    end)
    check(vim.api.nvim_win_get_cursor(0)[1] == 2, 'the jump goes to line ' .. vim.api.nvim_win_get_cursor(0)[1])
    passed('jump')
    vim.api.nvim_set_current_buf(buffer)

    local hover = request('textDocument/hover', at(3, 16))
    check(hover and hover.contents, 'no hover')
    passed('hover')

    vim.api.nvim_win_set_cursor(0, { 4, 16 })
    vim.lsp.buf.rename('mysql')
    wait('the new name', function()
      return vim.api.nvim_buf_get_lines(buffer, 3, 4, false)[1] == '  web -> data/mysql:sql'
    end)
    local other = vim.fn.bufnr(folder .. '/data.polder')
    check(vim.api.nvim_buf_get_lines(other, 1, 2, false)[1]:find('tier mysql'), 'the other file keeps the old name')
    passed('rename')

    vim.api.nvim_set_current_buf(buffer)
    if vim.lsp.buf.format then
      vim.lsp.buf.format({ bufnr = buffer, timeout_ms = 10000 })
    else
      vim.lsp.buf.formatting_sync(nil, 10000)
    end
    check(vim.api.nvim_buf_get_lines(buffer, 4, 5, false)[1] == '  web -> data/mysql:sql', 'the text is not formatted')
    passed('format')

    local lenses = request('textDocument/codeLens', { textDocument = { uri = vim.uri_from_bufnr(buffer) } })
    vim.lsp.commands[lenses[1].command.command](lenses[1].command, { bufnr = buffer, client_id = client.id })
    wait('the text of the lens', function()
      return vim.api.nvim_get_current_buf() ~= buffer
    end)
    check(#vim.api.nvim_buf_get_lines(0, 0, -1, false) > 1, 'the lens shows nothing')
    passed('lens')
    vim.cmd('bwipeout!')
    vim.api.nvim_set_current_buf(buffer)

    vim.cmd('silent wall')
    vim.cmd('PolderManifests')
    check(vim.bo.filetype == 'yaml', 'no manifests')
    check(vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]:find('apiVersion'), 'other manifests')
    passed('manifests')
  end

  vim.fn.delete(folder, 'rf')
end

local fine, problem = xpcall(run, debug.traceback)
if not fine then
  fail(problem)
end
local version = vim.version()
io.stderr:write(string.format('Neovim %d.%d.%d: %s\n', version.major, version.minor, version.patch,
  table.concat(done, ', ')))
vim.cmd('qall!')
