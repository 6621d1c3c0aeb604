[
  (namespace_body)
  (platform_body)
  (environment_body)
  (selector)
  (requirement)
  (port_list)
  (port_set)
  (endpoint_set)
] @rainbow.scope

[
  "{"
  "}"
  "("
  ")"
] @rainbow.bracket
