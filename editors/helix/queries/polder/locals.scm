[
  (source_file)
  (namespace_body)
] @local.scope
