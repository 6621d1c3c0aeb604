// The examples of the repository as programs of one file each: all files of a project are one program.
//
//   node examples.mjs FILE

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = new URL('../../examples', import.meta.url).pathname;
const first = ['three-tier', 'shop'];
const all = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
const names = [...first, ...all.filter((name) => !first.includes(name)).sort()];

const examples = names.map((name) => {
  const files = readdirSync(join(folder, name)).filter((file) => file.endsWith('.polder')).sort();
  const title = /^# (.*)/m.exec(readFileSync(join(folder, name, 'README.md'), 'utf8'))[1];
  return { name: title, text: files.map((file) => readFileSync(join(folder, name, file), 'utf8')).join('\n') };
});
writeFileSync(process.argv[2], JSON.stringify(examples));
