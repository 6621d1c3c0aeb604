(namespace_declaration
  body: (_) @class.inside) @class.around

(platform_declaration
  body: (_) @class.inside) @class.around

(environment_declaration
  body: (_) @class.inside) @class.around

(statement) @function.around

[
  (comment)
  (doc_comment)
  (directive)
]+ @comment.around
