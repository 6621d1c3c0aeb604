// Puts together the sources of the site, from documents that are there and from what the command says of itself.
//
//   node build.mjs POLDER FOLDER
//
// writes FOLDER/book.toml and FOLDER/pages, for mdBook.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { program, session, yaml } from './highlight.mjs';
import { converted, page, root } from './pages.mjs';

const [polder, folder] = process.argv.slice(2);
const here = new URL('.', import.meta.url).pathname;
const pages = join(folder, 'pages');

const read = (path) => readFileSync(join(root, path), 'utf8');
const list = (path) => readdirSync(join(root, path)).sort();
const isFolder = (path) => statSync(join(root, path)).isDirectory();
const run = (...args) => execFileSync(polder, args, { encoding: 'utf8', env: { ...process.env, COLUMNS: '100' } });

function write(path, text) {
  mkdirSync(dirname(join(pages, path)), { recursive: true });
  writeFileSync(join(pages, path), text);
}

/** What a command does, in the first line of its help, and its whole help. */
function commands() {
  const overview = run('--help');
  const names = [...overview.split('Commands:')[1].split('\n\n')[0].matchAll(/^ {2}([a-z]+) /gm)].map((found) => found[1]);
  if (names.length < 10) throw new Error('the commands were not found');
  return names.map((name) => ({ name, help: run(name, '--help') }));
}

/** The codes in the order of `polder explain`. */
const codes = () => run('explain').trim().split('\n').map((line) => line.split('  ', 2));

/** The files of an example, in order. */
function files(path, end) {
  return list(path).flatMap((name) => {
    const file = `${path}/${name}`;
    if (isFolder(file)) return files(file, end);
    return name.endsWith(end) ? [file] : [];
  });
}

/** An example: what is said of it, its program, and beside it what that becomes. */
function recipe(name, documents) {
  const path = `examples/${name}`;
  const show = (file, render) =>
    `<figure><figcaption>${file.slice(path.length + 1)}</figcaption>\n${render(read(file))}</figure>\n`;
  const sources = files(path, '.polder').map((file) => show(file, program));
  const manifests = files(`${path}/policies`, '.yaml').map((file) => show(file, yaml));
  // The shop has more manifests than anybody reads.
  const few = manifests.length <= 12;
  const told = few ? manifests.join('\n') : `${manifests.length} manifests: <code>polder build ${path} -o -</code> prints them.`;
  return `${converted(read(`${path}/README.md`), `${path}/README.md`, documents)}

<div class="p-beside"><div>

## The program

${sources.join('\n')}

</div><div>

## What it becomes

${told}

</div></div>
`;
}

rmSync(folder, { recursive: true, force: true });
const summary = readFileSync(join(here, 'summary.md'), 'utf8');
const named = [...summary.matchAll(/\]\((.*\.md)\)/g)].map((found) => found[1]);
const recipes = list('examples').filter((name) => isFolder(`examples/${name}`));
const pagesOfCodes = codes().map(([code, title]) => ({ code, title, document: `src/diag/codes/${code}.md` }));
const documents = new Set([
  ...named,
  ...pagesOfCodes.map(({ document }) => document),
  ...recipes.map((name) => `examples/${name}/README.md`),
]);
const pictures = new Set();

/** Where the site leads to what only it has. */
const toPlayground = '[Try it in your browser](playground/index.html), with nothing to install.';

for (const document of [...named, ...pagesOfCodes.map((one) => one.document)]) {
  const text = converted(read(document), document, documents, pictures);
  write(page(document), document === 'README.md' ? text.replace('\nInstall it:', `\n${toPlayground}\n\nInstall it:`) : text);
}
for (const name of recipes) write(`recipes/${name}.md`, recipe(name, documents));
const helps = commands();
for (const { name, help } of helps) write(`commands/${name}.md`, `# polder ${name}\n\n${session(`$ polder ${name} --help\n${help}`)}`);
const row = ({ code, title }) => `| [${code}](codes/${code}.md) | ${title} |`;
write(
  'codes.md',
  `# Codes\n\nEvery error (\`E\`) and warning (\`W\`) has a code that is never used for another, and a page. \`polder explain CODE\` prints\nit.\n\n| code | says |\n|---|---|\n${pagesOfCodes.map(row).join('\n')}\n`,
);
for (const picture of pictures) {
  mkdirSync(dirname(join(pages, picture)), { recursive: true });
  cpSync(join(root, picture), join(pages, picture));
}

const title = (name) => /^# (.*)/m.exec(read(`examples/${name}/README.md`))[1];
const chapters = summary
  .replace(/\]\((.*\.md)\)/g, (_, document) => `](${page(document)})`)
  .replace('](codes)', '](codes.md)')
  .replace('- <!-- commands -->', helps.map(({ name }) => `- [polder ${name}](commands/${name}.md)`).join('\n  '))
  .replace('- <!-- codes -->', pagesOfCodes.map(({ code, title }) => `- [${code}: ${title}](codes/${code}.md)`).join('\n  '))
  .replace('- <!-- recipes -->', recipes.map((name) => `- [${title(name)}](recipes/${name}.md)`).join('\n  '));
write('SUMMARY.md', `# Summary\n\n${chapters}`);
for (const name of ['book.toml', 'polder.css']) cpSync(join(here, name), join(folder, name));
console.log(`${documents.size + helps.length + 1} pages in ${pages}`);
