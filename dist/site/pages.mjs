// From documents of the repository to pages of the site: where each goes, and its links and examples.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { program, session, yaml } from './highlight.mjs';

export const root = new URL('../..', import.meta.url).pathname;

const manifest = readFileSync(join(root, 'Cargo.toml'), 'utf8');
export const repository = /^repository = "(.*)"/m.exec(manifest)[1];

/** The page of a document. */
export function page(document) {
  if (document === 'README.md') return 'README.md';
  if (document === 'grammar/README.md') return 'language.md';
  if (document === 'examples/README.md') return 'recipes.md';
  return document
    .replace(/^docs\//, '')
    .replace(/^src\/diag\/codes\//, 'codes/')
    .replace(/^examples\/(.*)\/README\.md$/, 'recipes/$1.md')
    .replace(/^editors\/(.*)\/README\.md$/, 'editors/$1.md')
    .replace(/^dist\/action\/README\.md$/, 'github-action.md')
    .replace(/^tests\/README\.md$/, 'tests.md')
    .replace(/^src\/ARCHITECTURE\.md$/, 'architecture.md')
    .replace(/^[A-Z]+\.md$/, (name) => name.toLowerCase());
}

/** Where a link of a document leads from its page. What has no page is in the repository. */
function target(link, document, documents) {
  if (/^[a-z]+:/.test(link) || link.startsWith('#')) return link;
  const [path, place] = link.split('#');
  const file = posix.normalize(posix.join(dirname(document), path)).replace(/\/$/, '');
  const known = [file, `${file}/README.md`].find((one) => documents.has(one));
  const anchor = place === undefined ? '' : `#${place}`;
  if (known) return relative(dirname(page(document)), page(known)) + anchor;
  if (/\.(png|svg)$/.test(file)) return relative(dirname(page(document)), file);
  if (!existsSync(join(root, file))) throw new Error(`${document} leads to ${link}, which is not there`);
  return `${repository}/blob/main/${file}${anchor}`;
}

/** The text of a document as the page of the site has it; `pictures` gets what it shows. */
export function converted(text, document, documents, pictures = new Set()) {
  const out = [];
  let fence = null;
  let body = [];
  for (const line of text.split('\n')) {
    const mark = /^( *)```(.*)$/.exec(line);
    if (fence === null && mark) {
      fence = mark;
      body = [];
    } else if (fence !== null && mark) {
      out.push(example(fence, body));
      fence = null;
    } else if (fence !== null) {
      body.push(line);
    } else if (!/^<!-- .* -->$/.test(line)) {
      out.push(line);
    }
  }
  const linked = (rest) =>
    rest.replace(/(!?)\[([^\]]*(?:\[[^\]]*\][^\]]*)*)\]\(([^()\s]+)\)/g, (_, picture, words, link) => {
      const to = target(link, document, documents);
      if (picture) pictures.add(posix.normalize(posix.join(dirname(document), link)));
      return `${picture}[${words}](${to})`;
    });
  // Neither in examples nor between backquotes is a link one.
  const parts = out.join('\n').split(/(<pre class="p-block"[\s\S]*?<\/pre>|```[\s\S]*?```|(?<!`)`[^`\n]+`(?!`))/);
  const codes = parts.filter((_, at) => at % 2 === 1);
  const rest = parts.filter((_, at) => at % 2 === 0).join('\u0001');
  let at = 0;
  return linked(rest).replace(/\u0001/g, () => codes[at++]);
}

function example([, indent, words], body) {
  const language = words.split(',')[0];
  const text = body.map((line) => line.slice(indent.length)).join('\n') + '\n';
  const render = { polder: program, console: session, yaml }[language];
  if (render && indent === '') return '\n' + render(text);
  return [`${indent}\`\`\`${language}`, ...body, `${indent}\`\`\``].join('\n');
}
