; Blocks.
(namespace_declaration
  body: (_) @class.inner) @class.outer

(platform_declaration
  body: (_) @class.inner) @class.outer

(environment_declaration
  body: (_) @class.inner) @class.outer

; Statements.
(statement) @statement.outer

; Items of lists.
[
  (port_entry)
  (requirement)
  (endpoint)
  (address)
] @parameter.inner

(port_entry
  ports: (_) @assignment.rhs) @assignment.outer

(port_entry
  name: (_) @assignment.lhs)

; Ports by number.
(number) @number.inner

[
  (comment)
  (doc_comment)
  (directive)
] @comment.outer
