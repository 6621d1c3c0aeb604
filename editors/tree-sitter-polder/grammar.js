/**
 * @file Polder, flows that become Kubernetes NetworkPolicies.
 *
 * A statement ends with its line, so the end of a line is a token.
 * Keywords are words only where they start a statement: a tier may be called `dns` or `group`.
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

const NAME = /[A-Za-z0-9_]+(-+[A-Za-z0-9_]+)*/;

/** The words that start a statement; before `->`, `/` and `:` each of them is a name. */
const STATEMENT_WORDS = [
  'namespace', 'external', 'platform', 'environment', 'use', 'tier', 'group', 'cidr', 'fqdn', 'ports', 'isolate',
  'disjoint', 'label', 'dns', 'never', 'only', 'always', 'ingress', 'egress',
];
const BUILT_IN = ['cluster', 'internet', 'anywhere', 'apiserver', 'nodes'];
const PRESETS = ['cluster', 'strict', 'openshift', 'any', 'none'];

/**
 * A list on a statement's line: it may break behind each comma, and no comma is behind the last item.
 * @param {GrammarSymbols<string>} $
 * @param {RuleOrLiteral} item
 */
const list = ($, item) => seq(item, repeat(seq(',', optional($._gap), item)));

/**
 * Items in brackets: the list may break anywhere, and a comma may follow the last item.
 * @param {GrammarSymbols<string>} $
 * @param {RuleOrLiteral} item
 */
const items = ($, item) => seq(
  item,
  optional($._gap),
  repeat(seq(',', optional($._gap), item, optional($._gap))),
  optional(seq(',', optional($._gap))),
);

/**
 * A block of statements, each with its line end; the last one may do without.
 * @param {GrammarSymbols<string>} $
 * @param {Rule} statement
 */
const block = ($, statement) =>
  seq('{', repeat(choice($._line_end, seq(statement, $._line_end))), optional(statement), '}');

module.exports = grammar({
  name: 'polder',

  word: ($) => $.name,

  extras: ($) => [/[ \t]/, $.directive, $.doc_comment, $.comment],

  supertypes: ($) => [$.statement],

  rules: {
    source_file: ($) => seq(
      repeat(choice($._line_end, seq($._top, $._line_end))),
      optional($._top),
    ),

    _top: ($) => choice(
      $.namespace_declaration,
      $.platform_declaration,
      $.environment_declaration,
      $.statement,
    ),

    _line_end: () => /\r?\n/,
    // Where a line may break. Comments stand there as they do everywhere.
    _gap: ($) => repeat1($._line_end),

    // A comment that silences warnings, a doc comment, and any other. Of equal lengths the first one counts.
    directive: () => /#[ \t]*polder:[^\r\n]*/,
    doc_comment: () => /##[^\r\n]*/,
    comment: () => /#[^\r\n]*/,

    // Blocks.
    namespace_declaration: ($) => choice(
      seq(
        'namespace',
        list($, field('name', $.name)),
        optional(field('labels', $.selector)),
        field('body', $.namespace_body),
      ),
      seq(
        'external',
        'namespace',
        list($, field('name', $.name)),
        optional(field('selector', $.selector)),
        optional(field('body', $.namespace_body)),
      ),
    ),
    namespace_body: ($) => block($, $.statement),

    platform_declaration: ($) => seq('platform', field('body', $.platform_body)),
    platform_body: ($) => block($, $._platform_entry),

    environment_declaration: ($) => seq('environment', field('name', $.name), field('body', $.environment_body)),
    environment_body: ($) => block($, $._environment_entry),

    // Statements.
    statement: ($) => choice(
      $.use_statement,
      $.tier_declaration,
      $.group_declaration,
      $.cidr_declaration,
      $.fqdn_declaration,
      $.ports_declaration,
      $.isolate_statement,
      $.disjoint_statement,
      $.label_statement,
      $.dns_statement,
      $.flow,
      $.assertion,
    ),

    use_statement: ($) => seq('use', list($, $.name)),

    tier_declaration: ($) => seq(
      'tier',
      field('name', $.name),
      optional(field('selector', $.selector)),
      optional(field('ports', $.port_list)),
    ),
    port_list: ($) => seq('{', optional($._gap), optional(items($, $.port_entry)), '}'),
    port_entry: ($) => seq(field('name', $.name), ':', optional($._gap), field('ports', $._ports)),

    group_declaration: ($) => seq('group', field('name', $.name), '=', optional($._gap), list($, $._side)),

    cidr_declaration: ($) => seq('cidr', field('name', $.name), '=', optional($._gap), $._blocks),
    _blocks: ($) => seq(list($, $.address), optional(seq('except', list($, field('except', $.address))))),

    fqdn_declaration: ($) => seq('fqdn', field('name', $.name), '=', optional($._gap), list($, $.dns_name)),
    dns_name: () => /[A-Za-z0-9._*-]+/,

    ports_declaration: ($) => seq('ports', field('name', $.name), '=', optional($._gap), list($, $._ports)),

    isolate_statement: ($) => seq(
      'isolate',
      list($, $.direction),
      optional(seq('for', list($, field('tier', $.name)))),
    ),
    direction: () => choice('ingress', 'egress', 'none'),

    disjoint_statement: ($) => seq('disjoint', list($, field('tier', $.name))),

    label_statement: ($) => seq('label', field('key', $.label_key)),

    dns_statement: ($) => seq('dns', list($, choice($.preset, $.address, $.dns_server))),
    preset: () => choice(...PRESETS),
    dns_server: ($) => choice(
      seq($._path, optional($._server_port)),
      seq(field('name', $.name), optional($._server_port)),
      seq(field('name', alias(choice(...PRESETS), $.name)), $._server_port),
    ),
    _path: ($) => seq(
      field('namespace', choice($.name, alias(choice(...PRESETS), $.name))),
      token.immediate('/'),
      field('name', alias($._joined_name, $.name)),
    ),
    _server_port: ($) => seq(token.immediate(':'), field('port', $.number)),

    // Flows and what must be true of them.
    // With a word before it, it opens only one side. The word is a name where a mark follows.
    flow: ($) => seq(
      choice(alias($._first_hop, $.hop), seq(field('side', choice('ingress', 'egress')), $.hop)),
      repeat1(seq('->', optional($._gap), $.hop)),
    ),
    _first_hop: ($) => seq(
      choice(
        $.endpoint_set,
        $.endpoint,
        alias($._set_like_a_keyword, $.endpoint_set),
        alias($._endpoint_like_a_keyword, $.endpoint),
      ),
      optional(seq(':', field('ports', $._ports))),
    ),
    hop: ($) => seq($._side, optional(seq(':', field('ports', $._ports)))),

    assertion: ($) => seq(
      field('kind', choice('never', 'only', 'always')),
      field('source', $.hop),
      choice('->', '->>'),
      optional($._gap),
      field('destination', $.hop),
      optional(seq('through', 'dns')),
      optional(seq('except', list($, field('except', $._side)))),
    ),

    // Endpoints.
    _side: ($) => choice($.endpoint_set, $.endpoint),
    // Behind a namespace, it holds names of that one. Only the members of a destination have ports.
    endpoint_set: ($) => seq(
      optional(seq(field('namespace', choice($.name, alias(choice(...BUILT_IN), $.name))), token.immediate('/'))),
      $._members,
    ),
    _set_like_a_keyword: ($) => seq(
      field('namespace', alias(choice(...STATEMENT_WORDS), $.name)),
      token.immediate('/'),
      $._members,
    ),
    _members: ($) => seq('{', optional($._gap), items($, $._member), '}'),
    _member: ($) => seq($.endpoint, optional(seq(':', field('ports', $._ports)))),
    endpoint: ($) => choice(
      $.wildcard,
      $.built_in,
      field('name', $.name),
      seq(field('namespace', choice($.name, alias(choice(...BUILT_IN), $.name))), $._inside),
    ),
    _endpoint_like_a_keyword: ($) => choice(
      field('name', alias(choice(...STATEMENT_WORDS), $.name)),
      seq(field('namespace', alias(choice(...STATEMENT_WORDS), $.name)), $._inside),
    ),
    _inside: ($) => seq(
      token.immediate('/'),
      choice(field('name', alias($._joined_name, $.name)), alias(token.immediate('*'), $.wildcard)),
    ),
    built_in: () => choice(...BUILT_IN),
    wildcard: () => '*',

    // Ports.
    _ports: ($) => choice($.port_set, $.port),
    port_set: ($) => seq(
      '{', optional($._gap), optional(items($, $.port)), '}',
      optional($._protocol),
    ),
    port: ($) => seq(choice($.wildcard, $.string, $.number, field('name', $.name)), optional($._protocol)),
    _protocol: ($) => seq(token.immediate('/'), field('protocol', $.protocol)),
    protocol: () => token.immediate(/[A-Za-z0-9]+/),
    string: () => /"[^"\n]*"/,

    // Selectors, as `kubectl -l` takes them.
    selector: ($) => seq(
      '(',
      optional($._gap),
      optional(choice(seq($.wildcard, optional($._gap)), items($, $.requirement))),
      ')',
    ),
    requirement: ($) => choice(
      field('key', $.label_key),
      seq('!', optional($._gap), field('key', $.label_key)),
      seq(field('key', $.label_key), choice('=', '==', '!='), optional(field('value', $.label_value))),
      seq(
        field('key', $.label_key),
        choice('in', 'notin'),
        optional($._gap),
        '(',
        optional($._gap),
        field('value', $.label_value),
        optional($._gap),
        repeat(seq(',', optional($._gap), field('value', $.label_value), optional($._gap))),
        ')',
      ),
    ),
    label_key: () => /[A-Za-z0-9._][A-Za-z0-9._\/-]*/,
    label_value: () => /[A-Za-z0-9._\/:*-]+/,

    // Entries of a platform and, with what they replace, of an environment.
    _platform_entry: ($) => choice($.cni_entry, $.address_entry, $.dns_statement),
    cni_entry: ($) => seq('cni', $.name, optional($.version)),
    version: () => /[A-Za-z0-9._-]+/,
    address_entry: ($) => seq(field('key', choice('apiserver', 'nodes', 'pods', 'services')), list($, $.address)),

    _environment_entry: ($) => choice(
      $._platform_entry,
      $.namespace_replacement,
      $.cidr_replacement,
      $.fqdn_replacement,
    ),
    namespace_replacement: ($) => seq(
      'namespace',
      field('name', $.name),
      '=',
      optional($._gap),
      field('value', $.name),
      optional(field('labels', $.selector)),
    ),
    cidr_replacement: ($) => seq('cidr', $.endpoint, '=', optional($._gap), $._blocks),
    fqdn_replacement: ($) => seq('fqdn', $.endpoint, '=', optional($._gap), list($, $.dns_name)),

    // Words. Of equal lengths the first one counts, so a number comes before a name.
    address: () => token(choice(
      /[0-9]+(\.[0-9]*)+(\/[0-9]*)?/,
      /[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:]*(\.[0-9]+)*(\/[0-9]*)?/,
    )),
    number: () => /[0-9]+(-[0-9]+)?/,
    name: () => NAME,
    _joined_name: () => token.immediate(NAME),
  },
});
