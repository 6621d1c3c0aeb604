" The language server, for ALE.

call ale#linter#Define('polder', {
\   'name': 'polder',
\   'lsp': 'stdio',
\   'executable': {buffer -> polder#Command()},
\   'command': '%e lsp',
\   'project_root': function('polder#Root'),
\})
