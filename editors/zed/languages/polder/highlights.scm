; No two patterns capture the same node, so it does not matter whether an editor takes the first or the last.

[
  "namespace"
  "external"
  "platform"
  "environment"
  "use"
  "tier"
  "group"
  "cidr"
  "fqdn"
  "ports"
  "isolate"
  "disjoint"
  "for"
  "label"
  "dns"
  "never"
  "only"
  "always"
  "through"
  "except"
  "in"
  "notin"
  "cni"
  "pods"
  "services"
] @keyword

; Behind `isolate` they are directions.
(flow
  side: [
    "ingress"
    "egress"
  ] @keyword)

; `apiserver` and `nodes` are built-in endpoints too.
(address_entry
  key: [
    "apiserver"
    "nodes"
  ] @keyword)

[
  (preset)
  (direction)
  (protocol)
  (wildcard)
] @constant.builtin

(cni_entry
  (name) @constant.builtin)

(built_in) @type.builtin

; Whatever can stand at the end of an arrow.
(tier_declaration
  name: (name) @type)

(group_declaration
  name: (name) @type)

(cidr_declaration
  name: (name) @type)

(fqdn_declaration
  name: (name) @type)

(isolate_statement
  tier: (name) @type)

(disjoint_statement
  tier: (name) @type)

(endpoint
  name: (name) @type)

(dns_server
  name: (name) @type)

; Namespaces, and what `use` brings in.
(namespace_declaration
  name: (name) @namespace)

(namespace_replacement
  name: (name) @namespace
  value: (name) @namespace)

(endpoint
  namespace: (name) @namespace)

(endpoint_set
  namespace: (name) @namespace)

(dns_server
  namespace: (name) @namespace)

(use_statement
  (name) @namespace)

(environment_declaration
  name: (name) @label)

; Ports.
(ports_declaration
  name: (name) @property)

(port_entry
  name: (name) @property)

(port
  name: (name) @property)

[
  (number)
  (version)
] @number

(string) @string

; Addresses and labels.
[
  (address)
  (dns_name)
] @string.special

(label_key) @attribute

(label_value) @string

; Marks.
[
  "->"
  "->>"
  "="
  "=="
  "!="
  "!"
] @operator

[
  ","
  ":"
  "/"
] @punctuation.delimiter

[
  "{"
  "}"
  "("
  ")"
] @punctuation.bracket

; Comments.
(comment) @comment

(doc_comment) @comment.doc

(directive) @keyword.directive
