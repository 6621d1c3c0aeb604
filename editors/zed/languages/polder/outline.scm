(namespace_declaration
  "external"? @context
  "namespace" @context
  name: (name) @name) @item

(platform_declaration
  "platform" @name) @item

(environment_declaration
  "environment" @context
  name: (name) @name) @item

(tier_declaration
  "tier" @context
  name: (name) @name) @item

(group_declaration
  "group" @context
  name: (name) @name) @item

(cidr_declaration
  "cidr" @context
  name: (name) @name) @item

(fqdn_declaration
  "fqdn" @context
  name: (name) @name) @item

(ports_declaration
  "ports" @context
  name: (name) @name) @item

(doc_comment) @annotation
