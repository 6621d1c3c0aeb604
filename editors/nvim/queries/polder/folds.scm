[
  (namespace_body)
  (platform_body)
  (environment_body)
  (selector)
  (port_list)
  (port_set)
  (endpoint_set)
] @fold
