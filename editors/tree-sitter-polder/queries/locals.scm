[
  (source_file)
  (namespace_body)
] @local.scope

(namespace_declaration
  name: (name) @local.definition.namespace)

(tier_declaration
  name: (name) @local.definition.type)

(group_declaration
  name: (name) @local.definition.type)

(cidr_declaration
  name: (name) @local.definition.type)

(fqdn_declaration
  name: (name) @local.definition.type)

(ports_declaration
  name: (name) @local.definition.field)

(endpoint
  name: (name) @local.reference)

(endpoint
  namespace: (name) @local.reference)

(endpoint_set
  namespace: (name) @local.reference)

(isolate_statement
  tier: (name) @local.reference)

(disjoint_statement
  tier: (name) @local.reference)

(port
  name: (name) @local.reference)
