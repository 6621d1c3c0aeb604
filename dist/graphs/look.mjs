// The pictures of `polder graph`, the matrix of `polder reach` and the page of `polder report` in a browser, light and dark, as
// wide as a phone and as a desktop: no text lies over other text or leaves its box, no script fails, nothing is asked of another
// host, the page's own policy lets all of it through, and it holds with scripts off. Mermaid itself reads and draws what is
// written for it. Takes pictures.
//
//   node look.mjs POLDER CHROMIUM PICTURES
//
// Runs where the examples are.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [polder, executablePath, pictures] = process.argv.slice(2);
mkdirSync(pictures, { recursive: true });
const make = (name, words) => {
  const file = resolve(pictures, name);
  writeFileSync(file, execFileSync(polder, words, { maxBuffer: 1 << 26 }));
  return pathToFileURL(file).href;
};
const draw = (name, words) => make(name, ['graph', ...words]);

// Forty namespaces: folded, and with one opened. Names that would like to be markup are refused before they come here, and
// the tests of the writers have them all the same.
let many = '';
for (let at = 0; at < 40; at += 1) {
  many += `namespace n${at} {\n  tier web\n  tier db (app.kubernetes.io/name=db, track in (stable, canary))\n  web -> db:5432\n`;
  if (at % 3) many += `  web -> n${(at * 7) % 13}/web:8080\n`;
  if (at % 11 === 0) many += '  internet -> web:443\n';
  many += '}\n';
}
writeFileSync(join(pictures, 'many.polder'), many);

const cases = [
  ['three-tier', ['-p', 'examples/three-tier']],
  ['shop', ['-p', 'examples/shop', '--dns']],
  ['many', ['-p', join(pictures, 'many.polder')]],
  ['opened', ['-p', join(pictures, 'many.polder'), '-n', 'n1']],
];

const wrong = [];
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--allow-file-access-from-files'] });
try {
  for (const [width, height] of [[390, 844], [1440, 900]]) {
    for (const [colorScheme, javaScriptEnabled] of [['light', true], ['dark', true], ['light', false]]) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme, javaScriptEnabled });
      const page = await context.newPage();
      const say = (what) => wrong.push(`${page.url()} at ${width} px, ${colorScheme}${javaScriptEnabled ? '' : ', no scripts'}: ${what}`);
      page.on('request', (request) => request.url().startsWith('file:') || say(`asks for ${request.url()}`));
      page.on('console', (message) => message.type() === 'error' && say(message.text()));
      page.on('pageerror', (error) => say(error.message));
      for (const [name, words] of cases) {
        await page.goto(draw(`${name}.svg`, words));
        const over = await page.evaluate(textOver);
        over.forEach(say);
        await page.goto(draw(`${name}.html`, [...words, '--format', 'html']));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (wide > 0) say(`is ${wide} px wider than the window`);
        (await page.evaluate(textOver)).forEach(say);
        const sheet = await page.evaluate(() => getComputedStyle(document.querySelector('svg .sheet')).fill);
        if ((sheet === 'rgb(255, 255, 255)') !== (colorScheme === 'light')) say(`the sheet is ${sheet}`);
        const rows = await page.locator('tr[data-edge]').count();
        const edges = await page.locator('svg g.edge[id]').count();
        if (rows !== edges || rows === 0) say(`${rows} rows for ${edges} edges`);
        if (await page.locator('#tools').isVisible() !== javaScriptEnabled) say('the search is not there as scripts are');
        if (javaScriptEnabled) {
          await page.fill('#search', '8080');
          const shown = await page.locator('tr[data-edge]:visible').count();
          if (shown === 0 || shown > rows) say(`the search shows ${shown} of ${rows} rows`);
          await page.click('#all');
          await page.locator('svg .node').first().focus();
          await page.keyboard.press('Enter');
          if (!/of \d+ connections/.test(await page.locator('#count').textContent())) say('a node cannot be focused on');
          await page.click('#all');
        }
        await tables(page, say, name, words, javaScriptEnabled);
        await page.screenshot({ path: join(pictures, `report-${name}-${width}-${colorScheme}${javaScriptEnabled ? '' : '-still'}.png`) });
        await page.goto(pathToFileURL(resolve(pictures, `${name}.html`)).href);
        await page.screenshot({ path: join(pictures, `graph-${name}-${width}-${colorScheme}${javaScriptEnabled ? '' : '-still'}.png`) });
      }
      await context.close();
    }
  }
  // Mermaid reads and draws all of it.
  const page = await browser.newPage();
  await page.goto('about:blank');
  await page.addScriptTag({ path: fileURLToPath(import.meta.resolve('mermaid/dist/mermaid.min.js')) });
  for (const [name, words] of cases) {
    const chart = execFileSync(polder, ['graph', ...words, '--format', 'mermaid']).toString();
    const error = await page.evaluate(async ([id, text]) => {
      try {
        await mermaid.parse(text);
        await mermaid.render(id, text);
        return '';
      } catch (problem) {
        return String(problem.message ?? problem);
      }
    }, [`chart-${name}`, chart]);
    if (error) wrong.push(`Mermaid does not read ${name}: ${error}`);
  }
} finally {
  await browser.close();
}
if (wrong.length > 0) {
  console.error([...new Set(wrong)].join('\n'));
  process.exit(1);
}
console.log(`${cases.length} pictures, matrices and reports at two widths, light, dark and with scripts off; pictures in ${pictures}`);

// The page of the matrix, and then the report: what cells lead to is there, and search, focus and order do something.
async function tables(page, say, name, words, isScripted) {
  const asked = words.filter((word, at) => word === '-p' || words[at - 1] === '-p');
  for (const command of ['reach', 'report']) {
    const more = command === 'report' ? ['-o', '-'] : [];
    await page.goto(make(`${command}-${name}.html`, [command, ...asked, '--format', 'html', ...more]));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) say(`is ${wide} px wider than the window`);
    const lost = await page.evaluate(() => [...document.querySelectorAll('a[href^="#"]')]
      .map((link) => link.getAttribute('href').slice(1)).filter((id) => document.getElementById(id) === null));
    if (lost.length > 0) say(`links lead nowhere: ${lost.slice(0, 3).join(', ')}`);
    if (await page.locator('.matrix td a').count() === 0) say('no cell of the matrix leads anywhere');
    const ids = await page.evaluate(() => [...document.querySelectorAll('[id]')].map((part) => part.id));
    if (new Set(ids).size !== ids.length) say('an id is there twice');
    if (await page.locator('#tools').isVisible() !== isScripted) say('the search is not there as scripts are');
    if (!isScripted) continue;
    const rows = page.locator('tbody[data-list] tr:visible');
    const all = await rows.count();
    await page.fill('#search', '5432');
    const shown = await rows.count();
    if (shown === 0 || shown >= all) say(`the search shows ${shown} of ${all} rows`);
    await page.click('#all');
    if (command === 'reach') continue;
    await page.selectOption('#focus', { index: 1 });
    if (await rows.count() >= all) say('nobody can be focused on');
    await page.click('#all');
    await page.click('#connections thead th:nth-child(2) button');
    const names = await page.locator('#connections tbody td:nth-child(2)').allTextContents();
    if (names.join() !== [...names].sort((one, other) => one.localeCompare(other, 'en', { numeric: true })).join()) say('no order');
    await page.emulateMedia({ media: 'print' });
    if (await page.locator('#tools').isVisible()) say('the search is printed');
    await page.emulateMedia({ media: 'screen' });
  }
}

// What is wrong with the texts of a picture, as the browser sets them.
function textOver() {
  const wrong = [];
  const texts = [...document.querySelectorAll('svg text')].map((text) => [text.textContent, text.getBoundingClientRect(), text]);
  for (const [place, [name, one]] of texts.entries()) {
    for (const [other, two] of texts.slice(place + 1)) {
      const apart = one.right <= two.left + 1 || two.right <= one.left + 1 || one.bottom <= two.top + 2 || two.bottom <= one.top + 2;
      if (!apart) wrong.push(`"${name}" lies over "${other}"`);
    }
  }
  const sheet = document.querySelector('svg .sheet').getBoundingClientRect();
  for (const [name, box, text] of texts) {
    const group = text.closest('g.node, g.frame, g.label');
    const around = group?.querySelector(':scope > rect')?.getBoundingClientRect() ?? sheet;
    if (box.left < around.left - 1 || box.right > around.right + 1) wrong.push(`"${name}" leaves its box`);
  }
  return wrong;
}
