// The TextMate grammar over every program that `cargo test --test tests editors::` left in its folder: each word has the scope
// of what the compiler takes it for, and everything else has none.
//
//   node textmate.mjs CASES.json

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';

const classes = {
  Keyword: /^keyword\.(other|control\.assertion)\.polder$/,
  Namespace: /^entity\.name\.namespace\.polder$/,
  Endpoint: /^entity\.name\.type\.polder$/,
  BuiltIn: /^support\.type\.polder$/,
  Wildcard: /^constant\.language\.wildcard\.polder$/,
  Environment: /^entity\.name\.label\.polder$/,
  PortName: /^variable\.other\.property\.polder$/,
  Number: /^constant\.numeric\.port\.polder$/,
  Protocol: /^constant\.language\.protocol\.polder$/,
  Container: /^string\.quoted\.double\.polder$/,
  Address: /^constant\.numeric\.address\.polder$/,
  DnsName: /^string\.unquoted\.dns-name\.polder$/,
  Key: /^entity\.other\.attribute-name\.polder$/,
  Value: /^string\.unquoted\.label\.polder$/,
  Choice: /^constant\.language\.polder$/,
  Comment: /^comment\.line\.number-sign\.polder$/,
  Doc: /^comment\.line\.documentation\.polder$/,
  Directive: /^comment\.line\.directive\.polder$/,
};
/** Scopes of what is no word. */
const marks = /^(source|keyword\.operator|punctuation)\./;

const textMate = new URL('../../textmate/polder.tmLanguage.json', import.meta.url);
const fences = new URL('../../vscode/markdown.tmLanguage.json', import.meta.url);
/** The grammars by their scopes; of Markdown, only that there is one. */
const grammars = {
  'source.polder': readFileSync(textMate, 'utf8'),
  'markdown.polder.codeblock': readFileSync(fences, 'utf8'),
  'text.html.markdown': JSON.stringify({ scopeName: 'text.html.markdown', patterns: [] }),
};

async function load() {
  const wasm = readFileSync(createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.length));
  return new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (scope) => textmate.parseRawGrammar(grammars[scope], `${scope}.json`),
    getInjections: (scope) => (scope === 'text.html.markdown' ? ['markdown.polder.codeblock'] : []),
  });
}

/** Programs in Markdown have their colours, and end with their fence. */
function checkFences(markdown) {
  const lines = ['A tier:', '```polder,fragment', 'tier web {', '```', 'tier web'];
  const found = scopes(markdown, lines).map((line) => line[0]);
  const expected = ['text.html.markdown', null, 'keyword.other.polder', null, 'text.html.markdown'];
  if (!expected.every((scope, line) => scope === null || scope === found[line])) {
    console.error(`a program in Markdown has the scopes ${JSON.stringify(found)}`);
    process.exit(1);
  }
}

/** The innermost scope of each character of each line. */
function scopes(grammar, lines) {
  let stack = textmate.INITIAL;
  return lines.map((line) => {
    const found = grammar.tokenizeLine(line, stack);
    stack = found.ruleStack;
    const here = new Array(line.length).fill('');
    for (const token of found.tokens) {
      here.fill(token.scopes.at(-1), token.startIndex, Math.min(token.endIndex, line.length));
    }
    return here;
  });
}

function check(grammar, { text, words }) {
  const lines = text.split(/\r?\n/);
  const found = scopes(grammar, lines);
  const problems = [];
  const known = lines.map((line) => new Array(line.length).fill(false));
  for (const word of words) {
    for (let at = word.start; at < word.end; at++) {
      known[word.line][at] = true;
      if (!classes[word.class].test(found[word.line][at])) {
        const shown = lines[word.line].slice(word.start, word.end);
        problems.push(`${word.line + 1}:${at + 1}: \`${shown}\` is ${word.class}, not ${found[word.line][at]}`);
        break;
      }
    }
  }
  lines.forEach((line, row) => {
    for (let at = 0; at < line.length; at++) {
      if (!known[row][at] && !/\s/.test(line[at]) && !marks.test(found[row][at])) {
        problems.push(`${row + 1}:${at + 1}: \`${line[at]}\` is no word, but ${found[row][at]}`);
      }
    }
  });
  return problems;
}

const cases = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const registry = await load();
const grammar = await registry.loadGrammar('source.polder');
checkFences(await registry.loadGrammar('text.html.markdown'));
let failed = 0;
let words = 0;
for (const program of cases) {
  const problems = check(grammar, program);
  words += program.words.length;
  if (problems.length > 0 && ++failed <= 3) {
    console.error(`${problems.slice(0, 10).join('\n')}\n${program.text}\n`);
  }
}
if (failed > 0 || words < 10_000) {
  console.error(`${failed} of ${cases.length} programs (${words} words) have wrong scopes`);
  process.exit(1);
}
console.log(`TextMate: ${words} words of ${cases.length} programs have the right scope`);
