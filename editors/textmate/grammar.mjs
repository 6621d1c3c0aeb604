// The TextMate grammar: written here, where patterns can have names, and generated as JSON (VS Code, JetBrains, Shiki)
// and as a property list (Sublime Text, TextMate).
//
//   node grammar.mjs          writes polder.tmLanguage.json and Polder.tmLanguage
//   node grammar.mjs --check  fails when they are not what it would write
//
// A statement goes to the end of its line; what may break the line (brackets, a mark at its end) is a rule inside it, so
// that the end of a line does not end the statement there.

import { readFileSync, writeFileSync } from 'node:fs';

const name = '[A-Za-z0-9_]+(?:-+[A-Za-z0-9_]+)*';
const key = '[A-Za-z0-9._/-]+';
const value = '[A-Za-z0-9._/:*-]+';
/** The name is over. */
const over = '(?![A-Za-z0-9_]|-+[A-Za-z0-9_])';
/** Behind a keyword; before an arrow, a slash, a colon or a comma it is a name. */
const keyword = `${over}(?![ \\t]*(?:->|[/:,]))`;
const builtIn = '(?:cluster|internet|anywhere|apiserver|nodes)';
const presets = '(?:cluster|strict|openshift|any|none)';
const statementEnd = '$|(?=[#}])';

const scopes = {
  keyword: 'keyword.other.polder',
  assertion: 'keyword.control.assertion.polder',
  namespace: 'entity.name.namespace.polder',
  endpoint: 'entity.name.type.polder',
  builtIn: 'support.type.polder',
  wildcard: 'constant.language.wildcard.polder',
  choice: 'constant.language.polder',
  environment: 'entity.name.label.polder',
  portName: 'variable.other.property.polder',
  number: 'constant.numeric.port.polder',
  protocol: 'constant.language.protocol.polder',
  container: 'string.quoted.double.polder',
  address: 'constant.numeric.address.polder',
  dnsName: 'string.unquoted.dns-name.polder',
  key: 'entity.other.attribute-name.polder',
  value: 'string.unquoted.label.polder',
  operator: 'keyword.operator.polder',
  separator: 'punctuation.separator.polder',
  brackets: 'punctuation.section.polder',
};

/** Names for the groups of a pattern, in order. */
const captures = (...names) =>
  Object.fromEntries(names.map((scope, at) => [at + 1, { name: scopes[scope] }]));

const include = (...rules) => rules.map((rule) => ({ include: `#${rule}` }));
const match = (pattern, ...names) => ({ match: pattern, captures: captures(...names) });
const word = (scope, pattern) => ({ name: scopes[scope], match: pattern });

/** What goes from `begin` to the end of its statement. */
const statement = (begin, names, ...patterns) => ({
  begin,
  beginCaptures: captures(...names),
  end: statementEnd,
  patterns: patterns.flat(),
});

/** What stands in brackets, over any number of lines. */
const brackets = (open, close, ...patterns) => ({
  begin: open,
  beginCaptures: { 0: { name: scopes.brackets } },
  end: close,
  endCaptures: { 0: { name: scopes.brackets } },
  patterns: patterns.flat(),
});

const portEnd = '(?:(/)([A-Za-z0-9]+))?';
const port = `(?:("[^"]*")|(\\*)|([0-9]+(?:-[0-9]+)?)${over}|(${name}))${portEnd}`;
const portCaptures = ['container', 'wildcard', 'number', 'portName', 'separator', 'protocol'];

const grammar = {
  $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
  name: 'Polder',
  scopeName: 'source.polder',
  fileTypes: ['polder'],
  patterns: include('comment', 'namespace', 'platform', 'environment', 'statement'),
  repository: {
    comment: {
      patterns: [
        { name: 'comment.line.directive.polder', match: '#[ \\t]*polder:.*$' },
        { name: 'comment.line.documentation.polder', match: '##.*$' },
        { name: 'comment.line.number-sign.polder', match: '#.*$' },
      ],
    },

    // A mark at the end of a line: the statement goes on below, after any comments.
    break: {
      patterns: [
        {
          begin: '(->>?|=)[ \\t]*(?=#|$)',
          beginCaptures: captures('operator'),
          end: `(except)${over}|(?=[^\\s#])`,
          endCaptures: captures('endpoint'),
          patterns: include('comment'),
        },
        {
          begin: '(,)[ \\t]*(?=#|$)',
          beginCaptures: captures('separator'),
          end: '(?=[^\\s#])',
          patterns: include('comment'),
        },
      ],
    },
    mark: {
      patterns: [...include('break'), word('operator', '->>?|='), word('separator', ',')],
    },

    // Blocks.
    namespace: statement(
      `(?:(external)[ \\t]+)?(namespace)[ \\t]+(${name})`,
      ['keyword', 'keyword', 'namespace'],
      include('selector'),
      brackets('\\{', '\\}', include('comment', 'statement')),
      include('mark'),
      word('namespace', name),
    ),
    platform: statement(
      `(platform)${keyword}`,
      ['keyword'],
      brackets('\\{', '\\}', include('comment', 'setting')),
    ),
    environment: statement(
      `(environment)${keyword}(?:[ \\t]+(${name}))?`,
      ['keyword', 'environment'],
      brackets('\\{', '\\}', include('comment', 'setting', 'rename', 'cidr', 'fqdn')),
    ),

    // Statements. What begins with no keyword is a flow.
    statement: {
      patterns: include(
        'use',
        'tier',
        'group',
        'cidr',
        'fqdn',
        'ports',
        'isolate',
        'disjoint',
        'label',
        'dns',
        'assertion',
        'oneSided',
        'flow',
      ),
    },
    use: statement(`(use)${keyword}`, ['keyword'], include('mark'), word('namespace', name)),
    tier: statement(
      `(tier)${keyword}(?:[ \\t]+(${name}))?`,
      ['keyword', 'endpoint'],
      include('selector', 'portList'),
    ),
    group: statement(
      `(group)${keyword}(?:[ \\t]+(${name}))?`,
      ['keyword', 'endpoint'],
      include('mark', 'endpointSet', 'endpoint'),
    ),
    cidr: statement(
      `(cidr)${keyword}(?:[ \\t]+(?:(${name})(/))?(${name}))?`,
      ['keyword', 'namespace', 'separator', 'endpoint'],
      include('mark'),
      word('keyword', `except${over}`),
      word('address', '[A-Za-z0-9.:/]+'),
    ),
    fqdn: statement(
      `(fqdn)${keyword}(?:[ \\t]+(?:(${name})(/))?(${name}))?`,
      ['keyword', 'namespace', 'separator', 'endpoint'],
      include('mark'),
      word('dnsName', '[A-Za-z0-9._*-]+'),
    ),
    ports: statement(
      `(ports)${keyword}(?:[ \\t]+(${name}))?`,
      ['keyword', 'portName'],
      include('mark', 'portSet', 'port'),
    ),
    isolate: statement(
      `(isolate)${keyword}`,
      ['keyword'],
      include('mark'),
      word('choice', `(?:ingress|egress|none)${over}`),
      statement(`(for)${over}`, ['keyword'], include('mark'), word('endpoint', name)),
    ),
    disjoint: statement(`(disjoint)${keyword}`, ['keyword'], include('mark'), word('endpoint', name)),
    label: statement(`(label)${keyword}(?:[ \\t]+(${key}))?`, ['keyword', 'key']),
    dns: statement(
      `(dns)${keyword}`,
      ['keyword'],
      include('mark'),
      word('address', '(?=[A-Za-z0-9_/:-]*(?:\\.|::))[A-Za-z0-9._/:-]+'),
      word('choice', `${presets}(?![A-Za-z0-9._/:-])`),
      match(
        `(?:(${name})(/))?(${name})(?:(:)([0-9]+))?`,
        'namespace',
        'separator',
        'endpoint',
        'separator',
        'number',
      ),
    ),
    assertion: statement(
      `(never|only|always)${keyword}(?:[ \\t]+(except)${over})?`,
      ['assertion', 'endpoint'],
      include('break'),
      match(`(->>?)[ \\t]*(except|through)${over}`, 'operator', 'endpoint'),
      match(`(through)[ \\t]+(dns)${over}`, 'assertion', 'assertion'),
      statement(`(except)${over}`, ['assertion'], include('mark', 'endpointSet', 'endpoint')),
      include('hop'),
    ),
    oneSided: statement(`(ingress|egress)[ \\t]+(?=[A-Za-z0-9_{*])`, ['keyword'], include('hop')),
    flow: statement('(?=[^\\s#}])', [], include('hop')),

    // Endpoints.
    hop: { patterns: include('mark', 'hopSet', 'hopPortSet', 'hopPort', 'endpoint') },
    hopSet: brackets(
      '\\{',
      '\\}',
      include('comment', 'hopPortSet', 'hopPort', 'endpoint'),
      word('separator', ','),
    ),
    endpointSet: brackets('\\{', '\\}', include('comment', 'endpoint'), word('separator', ',')),
    endpoint: {
      patterns: [
        match(`(${name})(/)(?:(${name})|(\\*))`, 'namespace', 'separator', 'endpoint', 'wildcard'),
        match(`(${name})(/)(?=\\{)`, 'namespace', 'separator'),
        word('builtIn', builtIn + over),
        word('endpoint', name),
        word('wildcard', '\\*'),
      ],
    },

    // Ports.
    hopPort: match(`(:)[ \\t]*${port}`, 'separator', ...portCaptures),
    hopPortSet: {
      begin: '(:)[ \\t]*(\\{)',
      beginCaptures: captures('separator', 'brackets'),
      end: `(\\})${portEnd}`,
      endCaptures: captures('brackets', 'separator', 'protocol'),
      patterns: [...include('comment', 'port'), word('separator', ',')],
    },
    portSet: {
      begin: '(\\{)',
      beginCaptures: captures('brackets'),
      end: `(\\})${portEnd}`,
      endCaptures: captures('brackets', 'separator', 'protocol'),
      patterns: [...include('comment', 'port'), word('separator', ',')],
    },
    port: match(port, ...portCaptures),
    portList: brackets(
      '\\{',
      '\\}',
      include('comment'),
      match(`(${name})[ \\t]*(:)`, 'portName', 'separator'),
      include('portSet', 'port'),
      word('separator', ','),
    ),

    // Selectors.
    selector: brackets(
      '\\(',
      '\\)',
      include('comment'),
      match(`(${key})[ \\t]+(in|notin)(?=[ \\t(]|$)`, 'key', 'keyword'),
      match(`(${key})[ \\t]*(==|!=|=)[ \\t]*(${value})?`, 'key', 'operator', 'value'),
      word('operator', '!'),
      word('wildcard', '\\*'),
      word('key', key),
      word('separator', ','),
      brackets('\\(', '\\)', include('comment'), word('value', value), word('separator', ',')),
    ),

    // Entries of `platform` and `environment`.
    setting: {
      patterns: [
        match(`(cni)(?:[ \\t]+(${name})(?:[ \\t]+([A-Za-z0-9._-]+))?)?`, 'keyword', 'choice', 'number'),
        ...include('dns'),
        statement(
          `(apiserver|nodes|pods|services)${over}`,
          ['keyword'],
          include('mark'),
          word('address', '[A-Za-z0-9.:/]+'),
        ),
      ],
    },
    rename: statement(
      `(namespace)${over}(?:[ \\t]+(${name}))?`,
      ['keyword', 'namespace'],
      include('mark', 'selector'),
      word('namespace', name),
    ),
  },
};

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A value as it stands in a property list. */
function plist(value, indent) {
  const inner = `${indent}\t`;
  if (typeof value === 'string') {
    return `${indent}<string>${escape(value)}</string>\n`;
  }
  const lines = Array.isArray(value)
    ? value.map((item) => plist(item, inner))
    : Object.entries(value).map(([name, item]) => `${inner}<key>${escape(name)}</key>\n${plist(item, inner)}`);
  const tag = Array.isArray(value) ? 'array' : 'dict';
  return `${indent}<${tag}>\n${lines.join('')}${indent}</${tag}>\n`;
}

const { $schema, ...plain } = grammar;
const outputs = {
  'polder.tmLanguage.json': `${JSON.stringify({ $schema, ...plain }, null, 2)}\n`,
  'Polder.tmLanguage': `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${plist(plain, '')}</plist>
`,
};
for (const [file, text] of Object.entries(outputs)) {
  const path = new URL(file, import.meta.url);
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text);
  } else if (readFileSync(path, 'utf8') !== text) {
    console.error(`editors/textmate/${file} is not what grammar.mjs gives: run \`node grammar.mjs\``);
    process.exitCode = 1;
  }
}
