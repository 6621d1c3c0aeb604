// Programs as HTML with the colours of the TextMate grammar, made when the site is built: a page needs no script for them.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';

const grammarFile = new URL('../../editors/textmate/polder.tmLanguage.json', import.meta.url);

/** The class of each scope that has a colour; the first that fits counts. */
const classes = [
  [/^comment\./, 'comment'],
  [/^keyword\.operator/, 'operator'],
  [/^keyword\./, 'keyword'],
  [/^entity\.name\.namespace/, 'namespace'],
  [/^entity\.name\.type/, 'endpoint'],
  [/^entity\.(name\.label|other)/, 'label'],
  [/^(support|constant\.language)/, 'built-in'],
  [/^constant\.numeric/, 'number'],
  [/^variable/, 'port'],
  [/^string/, 'string'],
];

export const escaped = (text) => text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);

const span = (name, text) => (name && text ? `<span class="p-${name}">${escaped(text)}</span>` : escaped(text));

async function load() {
  const wasm = readFileSync(createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.length));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (scope) =>
      scope === 'source.polder' ? textmate.parseRawGrammar(readFileSync(grammarFile, 'utf8'), 'polder.json') : null,
  });
  return registry.loadGrammar('source.polder');
}

const grammar = await load();

/** A program, line by line. */
export function program(text) {
  let stack = textmate.INITIAL;
  const lines = text.replace(/\n$/, '').split('\n').map((line) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    stack = ruleStack;
    const parts = tokens.map(({ startIndex, endIndex, scopes }) => {
      const scope = [...scopes].reverse().find((one) => classes.some(([pattern]) => pattern.test(one)));
      const found = classes.find(([pattern]) => pattern.test(scope ?? ''));
      return span(found?.[1], line.slice(startIndex, endIndex));
    });
    return parts.join('');
  });
  return block(lines, 'polder');
}

/** What is typed at a prompt, and what that prints. */
export function session(text) {
  const lines = text.replace(/\n$/, '').split('\n').map((line) => {
    if (line.startsWith('$ ')) return `<span class="p-prompt">$ </span><b>${escaped(line.slice(2))}</b>`;
    if (/^error(\[|:)/.test(line)) return span('error', line);
    if (/^warning(\[|:)/.test(line)) return span('warning', line);
    return escaped(line);
  });
  return block(lines, 'console');
}

/** YAML: keys, comments, and the rest. */
export function yaml(text) {
  const lines = text.replace(/\n$/, '').split('\n').map((line) => {
    if (/^\s*#/.test(line)) return span('comment', line);
    const [, before, key, after] = /^([\s-]*)("[^"]*"|[A-Za-z][\w./-]*)(:(?:\s.*)?)$/.exec(line) ?? [];
    return key === undefined ? escaped(line) : `${before}${span('keyword', key)}${escaped(after)}`;
  });
  return block(lines, 'yaml');
}

// An empty line in HTML would end it as Markdown sees it, so it is written as a mark. No other script colours it again.
const block = (lines, language) =>
  `<pre class="p-block" tabindex="0"><code class="nohighlight p-${language}">${lines.map((line) => line || '&#8203;').join('\n')}\n</code></pre>\n`;
