[
  (namespace_body)
  (platform_body)
  (environment_body)
  (selector)
  (port_list)
  (port_set)
  (endpoint_set)
  (requirement)
] @indent.begin

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
] @indent.begin

(namespace_body
  "}" @indent.end @indent.branch)

(platform_body
  "}" @indent.end @indent.branch)

(environment_body
  "}" @indent.end @indent.branch)

(selector
  ")" @indent.end @indent.branch)

(port_list
  "}" @indent.end @indent.branch)

(port_set
  "}" @indent.branch)

(endpoint_set
  "}" @indent.branch)

[
  (comment)
  (doc_comment)
  (directive)
] @indent.auto
