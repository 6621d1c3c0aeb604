(namespace_declaration
  name: (name) @name) @definition.module

(tier_declaration
  name: (name) @name) @definition.class

(group_declaration
  name: (name) @name) @definition.class

(cidr_declaration
  name: (name) @name) @definition.constant

(fqdn_declaration
  name: (name) @name) @definition.constant

(ports_declaration
  name: (name) @name) @definition.constant

(environment_declaration
  name: (name) @name) @definition.module

(endpoint
  name: (name) @name) @reference.class

(endpoint
  namespace: (name) @name) @reference.module
