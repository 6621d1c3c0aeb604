// The built site in a browser, as wide as a phone and as a desktop, light and dark: nothing is wider than the window, nothing
// is asked of another host, no script fails, search finds. Takes pictures.
//
//   node look.mjs FOLDER CHROMIUM PICTURES

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const [folder, executablePath, pictures] = process.argv.slice(2);
mkdirSync(pictures, { recursive: true });
const { address, stop } = await serve(folder);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const wrong = [];
const pages = ['index', 'five-minutes', 'language', 'commands', 'commands/build', 'codes', 'codes/E0201', 'cni', 'comparison', 'recipes/three-tier', 'performance'];
try {
  for (const [width, height] of [[390, 844], [1440, 900]]) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme });
      const page = await context.newPage();
      const say = (what) => wrong.push(`${page.url()} at ${width} px, ${colorScheme}: ${what}`);
      page.on('request', (request) => {
        if (!request.url().startsWith(address) && !/^(data|blob):/.test(request.url())) say(`asks for ${request.url()}`);
      });
      page.on('console', (message) => message.type() === 'error' && say(message.text()));
      page.on('pageerror', (error) => say(error.message));
      for (const name of pages) {
        await page.goto(`${address}/${name}.html`, { waitUntil: 'load' });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (wide > 0) say(`is ${wide} px wider than the window`);
        if (['index', 'five-minutes', 'recipes/three-tier', 'commands'].includes(name)) {
          await page.screenshot({ path: join(pictures, `${name.replace('/', '-')}-${width}-${colorScheme}.png`) });
        }
      }
      // A word of one page is found from another one.
      await page.goto(`${address}/index.html`, { waitUntil: 'load' });
      await page.keyboard.press('s');
      await page.keyboard.type('default-deny');
      await page.waitForSelector('#mdbook-searchresults li a, #searchresults li a', { timeout: 10_000 });
      await page.screenshot({ path: join(pictures, `search-${width}-${colorScheme}.png`) });
      await context.close();
    }
  }
} finally {
  await browser.close();
  stop();
}
if (wrong.length > 0) {
  console.error([...new Set(wrong)].join('\n'));
  process.exit(1);
}
console.log(`${pages.length} pages at two widths, light and dark; pictures in ${pictures}`);
