// The playground in a browser, as somebody uses it: types, sees the mistake, mends it, reads the manifests, asks, shares, reloads; by
// keyboard alone. Takes pictures, and says how long a key stroke takes.
//
//   node try.mjs SITE CHROMIUM PICTURES
//
// SITE holds the folder `playground`.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { serve } from '../../dist/site/serve.mjs';

const [site, executablePath, pictures] = process.argv.slice(2);
mkdirSync(pictures, { recursive: true });
const { address, stop } = await serve(site);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const wrong = [];

async function open(context, link = `${address}/playground/index.html`) {
  const page = await context.newPage();
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:')) wrong.push(`asks for ${request.url()}`);
  });
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()));
  page.on('pageerror', (error) => wrong.push(error.message));
  const start = performance.now();
  await page.goto(link);
  await page.waitForSelector('body[data-ready]', { timeout: 30_000 });
  return { page, first: performance.now() - start };
}

const state = (page, text) => page.waitForFunction((wanted) => document.getElementById('state').textContent.includes(wanted), text, { timeout: 10_000 });
const holds = (page, id, text) => page.waitForFunction(([id, wanted]) => document.getElementById(id).textContent.includes(wanted), [id, text], { timeout: 10_000 });
const text = (page, id) => page.locator(`#${id}`).textContent();

try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const { page, first } = await open(context);
  await state(page, 'No problems.');
  await holds(page, 'manifests', 'name: "allow-backend-from-frontend"');
  await page.waitForSelector('#editor .p-keyword');

  // From the address bar on by keyboard alone: Tab leads to the editor.
  let at = '';
  for (let step = 0; step < 12 && at !== 'Program'; step += 1) {
    await page.keyboard.press('Tab');
    at = await page.evaluate(() => (document.activeElement.shadowRoot?.activeElement ?? document.activeElement).getAttribute('aria-label') ?? '');
  }
  assert.equal(at, 'Program', 'Tab does not lead to the editor');

  // Types a program with a mistake.
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText('namespace shop {\n  tier web\n  tier api { http: 8080/tcp }\n  tier db { pg: 5432/tcp }\n\n  web -> ');
  await page.keyboard.type('apy:http', { delay: 20 });
  await page.keyboard.press('Escape');
  await page.keyboard.insertText('\n}\n');
  await state(page, '1 error');
  const problem = await page.locator('#problems button').first().textContent();
  assert.match(problem, /^line 6: error E0102: .*apy/);
  await holds(page, 'manifests', 'There are no manifests while there is an error.');
  await page.screenshot({ path: join(pictures, 'playground-error-1440.png') });

  // Goes there, and mends it with what completion offers.
  await page.locator('#problems button').first().focus();
  await page.keyboard.press('Enter');
  await page.keyboard.type('a', { delay: 20 });
  await page.keyboard.press('Control+Space');
  await page.waitForSelector('#editor .cm-tooltip-autocomplete');
  const offered = await page.locator('#editor .cm-tooltip-autocomplete li').allTextContents();
  assert.ok(offered.some((one) => one.startsWith('api')), `completion offers ${offered}`);
  await page.screenshot({ path: join(pictures, 'playground-completion-1440.png') });
  while (!(await page.locator('#editor .cm-tooltip-autocomplete li[aria-selected]').textContent()).startsWith('api')) {
    await page.keyboard.press('ArrowDown');
  }
  await page.waitForTimeout(120);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.getElementById('state').textContent === '1 warning');
  await holds(page, 'manifests', 'name: "allow-api-from-web"');

  // What is under the cursor, for who does not point.
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Control+i');
  await holds(page, 'told', 'api');

  // Asks, with the names that there are.
  const ask = async (question, from, to) => {
    await page.selectOption('#question', question);
    if (from) await page.fill('#from', from);
    if (to) await page.fill('#to', to);
    await page.locator('#ask button').focus();
    await page.keyboard.press('Enter');
    await holds(page, 'answer', `$ polder ${question}`);
    return text(page, 'answer');
  };
  assert.match(await ask('can', 'web', 'db:pg'), /no: web -> db:pg is denied/);
  assert.match(await ask('why', 'web', 'db:pg'), /to allow it, write[\s\S]*web -> db:pg/);
  await page.waitForFunction(() => document.querySelectorAll('#names option').length > 3);
  await page.screenshot({ path: join(pictures, 'playground-why-1440.png') });
  assert.match(await ask('reach', 'web', 'api'), /web -> api:8080\/tcp/);
  assert.match(await ask('diff'), /isolation introduced[\s\S]*main\.polder:1/);

  // Shares, and opens the link elsewhere.
  await page.locator('#share').focus();
  await page.keyboard.press('Enter');
  await holds(page, 'shared', 'The link');
  const link = page.url();
  assert.match(link, /#p=[\w-]+$/);
  await page.reload();
  await page.waitForSelector('body[data-ready]');
  await holds(page, 'manifests', 'name: "allow-api-from-web"');
  const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  const other = (await open(phone, link)).page;
  await holds(other, 'manifests', 'name: "allow-api-from-web"');
  const wide = await other.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} px wider than a phone`);
  await other.screenshot({ path: join(pictures, 'playground-390-dark.png'), fullPage: true });

  // Key strokes in the shop.
  await page.selectOption('#examples', { label: 'A shop' });
  await holds(page, 'manifests', 'namespace: "storefront"');
  await page.evaluate(() => performance.clearMeasures());
  await page.locator('#editor .cm-content').click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('# how long does it take to see what is wrong', { delay: 120 });
  await page.waitForTimeout(1500);
  const times = await page.evaluate(() => performance.getEntriesByName('diagnostics').map((entry) => entry.duration));
  times.sort((one, two) => one - two);
  const middle = times[Math.floor(times.length / 2)];
  const late = times[Math.floor(times.length * 0.95)];
  await page.screenshot({ path: join(pictures, 'playground-shop-1440.png') });

  // The policy of the page is strict, and the page keeps to it.
  const html = readFileSync(join(site, 'playground/index.html'), 'utf8');
  assert.match(html, /default-src 'none'/);
  assert.ok(!html.includes('unsafe-inline') && !html.includes("'unsafe-eval'"));
  assert.deepEqual(wrong, []);
  console.log(
    `the first answer came after ${first.toFixed(0)} ms; a key stroke in the shop: ${middle.toFixed(1)} ms, ${late.toFixed(1)} ms at the 95th percentile of ${times.length}; pictures in ${pictures}`,
  );
} catch (error) {
  const [page] = browser.contexts().flatMap((context) => context.pages());
  await page?.screenshot({ path: join(pictures, 'playground-failed.png') });
  throw error;
} finally {
  await browser.close();
  stop();
}
