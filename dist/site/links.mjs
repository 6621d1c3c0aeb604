// Every link of a built site leads somewhere, and nothing that a page is made of comes from another host.
//
//   node links.mjs FOLDER

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const folder = process.argv[2];
const files = readdirSync(folder, { recursive: true }).map(String).filter((name) => statSync(join(folder, name)).isFile());
const known = new Set(files);
const wrong = [];
let looked = 0;

const anchors = new Map();
function anchorsOf(name) {
  if (!anchors.has(name)) {
    const text = readFileSync(join(folder, name), 'utf8');
    anchors.set(name, new Set([...text.matchAll(/\b(?:id|name)="([^"]+)"/g)].map((found) => found[1])));
  }
  return anchors.get(name);
}

for (const name of files.filter((one) => /\.(html|css)$/.test(one))) {
  const text = readFileSync(join(folder, name), 'utf8');
  const parts = [...text.matchAll(/<(?:script|img|iframe|source)\b[^>]*?\ssrc="([^"]*)"/g)]
    .concat([...text.matchAll(/<link\b[^>]*?\shref="([^"]*)"/g)], [...text.matchAll(/url\(["']?([^"')]+)["']?\)/g)])
    .map((found) => found[1]);
  for (const part of parts.filter((one) => /^([a-z]+:)?\/\//.test(one))) wrong.push(`${name} is made with ${part}`);
  if (!name.endsWith('.html') || name === '404.html') continue;
  const links = [...text.matchAll(/<(?:a|img|link|script)\b[^>]*?\s(?:href|src)="([^"]*)"/g)].map((found) => found[1]);
  for (const link of links.filter((one) => !/^([a-z]+:|#?$|data:)/.test(one))) {
    looked += 1;
    const [path, place] = link.split('#').map(decodeURIComponent);
    let file = path === '' ? name : relative(folder, join(folder, dirname(name), path.split('?')[0]));
    if (file === '' || path.endsWith('/')) file = join(file, 'index.html');
    if (!known.has(file)) wrong.push(`${name} leads to ${link}, which is not there`);
    else if (place && file.endsWith('.html') && !anchorsOf(file).has(place)) wrong.push(`${name} leads to ${link}: no such place`);
  }
}
if (looked < 1000) wrong.push(`only ${looked} links were found`);
if (wrong.length > 0) {
  console.error([...new Set(wrong)].join('\n'));
  process.exit(1);
}
console.log(`${looked} links lead somewhere; nothing comes from another host`);
