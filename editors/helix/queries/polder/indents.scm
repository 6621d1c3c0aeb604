[
  (namespace_body)
  (platform_body)
  (environment_body)
  (selector)
  (port_list)
  (port_set)
  (endpoint_set)
] @indent

; What goes on behind an arrow, a comma or an equals sign stands deeper.
[
  (flow)
  (assertion)
  (use_statement)
  (group_declaration)
  (cidr_declaration)
  (fqdn_declaration)
  (ports_declaration)
  (isolate_statement)
  (disjoint_statement)
] @indent

[
  "}"
  ")"
] @outdent
