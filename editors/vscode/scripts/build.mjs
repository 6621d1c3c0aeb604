// Puts the grammar in its place and the extension into one file.

import { build } from 'esbuild';
import { copyFileSync, mkdirSync } from 'node:fs';

mkdirSync('syntaxes', { recursive: true });
copyFileSync('../textmate/polder.tmLanguage.json', 'syntaxes/polder.tmLanguage.json');
copyFileSync('../../LICENSE', 'LICENSE');
mkdirSync('schemas', { recursive: true });
copyFileSync('../schemas/polder.json', 'schemas/polder.json');

await build({
  entryPoints: ['src/extension.ts'],
  outfile: 'out/extension.js',
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['vscode'],
});
