; Blocks.
(namespace_declaration
  body: (_) @class.inside) @class.around

(platform_declaration
  body: (_) @class.inside) @class.around

(environment_declaration
  body: (_) @class.inside) @class.around

; Statements.
(statement) @function.around

; Items of lists.
(port_entry
  ports: (_) @parameter.inside) @parameter.around

(requirement) @parameter.inside

(endpoint) @parameter.inside

[
  (comment)
  (doc_comment)
  (directive)
] @comment.inside

(comment)+ @comment.around

(doc_comment)+ @comment.around
