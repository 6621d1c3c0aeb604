// Visual Studio Code (code-server) in a browser, with the packed extension: opens the example of the shop, sees colours,
// a diagnostic, completion, a definition, a rename, formatting, the manifests beside the program; takes the pictures.
//
//   node vscode.mjs CODE_SERVER EXTENSION.vsix PLAYWRIGHT CHROMIUM PICTURES
//
// The environment has POLDER, the command to run.

import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [codeServer, extension, playwright, chromium, pictures] = process.argv.slice(2);
const { chromium: browserType } = await import(pathToFileURL(playwright).href);
const root = new URL('../..', import.meta.url).pathname;

const home = mkdtempSync(join(tmpdir(), 'polder-vscode-'));
const project = join(home, 'shop');
cpSync(join(root, 'examples/shop'), project, { recursive: true });
mkdirSync(join(home, 'user/User'), { recursive: true });
mkdirSync(join(home, 'user/Machine'), { recursive: true });
// Where a program is to be found is a matter of the machine that the extension runs on.
writeFileSync(join(home, 'user/Machine/settings.json'), JSON.stringify({ 'polder.path': process.env.POLDER }));
writeFileSync(
  join(home, 'user/User/settings.json'),
  JSON.stringify({
    'workbench.colorTheme': 'Default Light Modern',
    'workbench.startupEditor': 'none',
    'workbench.tips.enabled': false,
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'chat.disableAIFeatures': true,
    'security.workspace.trust.enabled': false,
    'editor.minimap.enabled': false,
    'editor.fontFamily': 'DejaVu Sans Mono',
    'editor.fontSize': 12,
    'editor.rulers': [],
    'window.menuBarVisibility': 'compact',
    'window.commandCenter': false,
    'files.autoSave': 'off',
    'telemetry.telemetryLevel': 'off',
    'git.enabled': false,
  }),
);

const directories = ['--user-data-dir', join(home, 'user'), '--extensions-dir', join(home, 'extensions')];
const installed = spawnSync(codeServer, [...directories, '--install-extension', extension], { encoding: 'utf8' });
if (installed.status !== 0) {
  throw new Error(`the extension cannot be installed: ${installed.stdout}${installed.stderr}`);
}

const version = spawnSync(codeServer, ['--version'], { encoding: 'utf8' }).stdout.split(' ')[0];

const port = await new Promise((resolve) => {
  const listener = createServer().listen(0, '127.0.0.1', () => {
    const { port } = listener.address();
    listener.close(() => resolve(port));
  });
});
const options = ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry', '--disable-update-check'];
// A group of its own, so that whatever it starts ends with it.
const server = spawn(codeServer, [...directories, ...options, project], { detached: true, stdio: 'ignore' });
const done = [];
let browser;

function check(condition, text) {
  if (!condition) {
    throw new Error(text);
  }
}

async function run() {
  browser = await browserType.launch({ executablePath: chromium, args: ['--no-sandbox'] });
  const page = await browser.newPage({ viewport: { width: 1160, height: 660 } });
  const address = `http://127.0.0.1:${port}/?folder=${encodeURIComponent(project)}`;
  for (let tries = 0; ; tries++) {
    try {
      await page.goto(address);
      break;
    } catch (problem) {
      check(tries < 100, String(problem));
      await page.waitForTimeout(200);
    }
  }
  await page.waitForSelector('.monaco-workbench', { timeout: 60_000 });

  const command = async (title) => {
    await page.keyboard.press('F1');
    await page.waitForSelector('.quick-input-widget:visible');
    await page.keyboard.type(title, { delay: 15 });
    await page.waitForTimeout(400);
    await page.keyboard.press('Enter');
  };
  const open = async (file) => {
    await page.keyboard.press('Control+p');
    await page.waitForSelector('.quick-input-widget:visible');
    await page.keyboard.type(file, { delay: 15 });
    await page.waitForSelector(`.quick-input-list .monaco-list-row[aria-label*="${file}"]`);
    await page.keyboard.press('Enter');
    await page.waitForSelector(`.tab.active[data-resource-name="${file}"]`);
    await page.waitForSelector('.editor-instance .view-lines .view-line');
  };
  const goTo = async (line, column) => {
    await page.keyboard.press('Control+g');
    await page.waitForSelector('.quick-input-widget:visible');
    await page.keyboard.type(`:${line}:${column}`.slice(await page.inputValue('.quick-input-box input') === ':' ? 1 : 0));
    await page.keyboard.press('Enter');
    await page.waitForTimeout(300);
  };
  /** The lines on the screen, with plain spaces. */
  const shown = () =>
    page.$$eval('.editor-instance .view-lines .view-line', (lines) =>
      lines
        .map((line) => ({ top: parseFloat(line.style.top), text: line.textContent.replaceAll('\u00a0', ' ') }))
        .sort((one, other) => one.top - other.top)
        .map((line) => line.text),
    );
  const waitForLine = async (what, condition) => {
    for (let tries = 0; tries < 100; tries++) {
      const lines = await shown();
      if (lines.some(condition)) {
        return;
      }
      await page.waitForTimeout(100);
    }
    throw new Error(`waited for ${what}:\n${(await shown()).join('\n')}`);
  };
  const waitForFile = async (file, condition) => {
    for (let tries = 0; !condition(readFileSync(join(project, file), 'utf8')); tries++) {
      check(tries < 100, `waited for ${file}`);
      await page.waitForTimeout(100);
    }
  };
  const picture = async (name) => {
    await page.mouse.move(580, 5);
    await page.waitForTimeout(700);
    await page.screenshot({ path: join(pictures, name) });
  };

  await open('storefront.polder');
  await page.waitForSelector('.statusbar-item:has-text("Polder")');
  done.push('language');

  // Where the line of a text begins, and each word on it by its class.
  await waitForLine('the program', (line) => line.includes('namespace storefront'));
  const classes = await page.$$eval('.editor-instance .view-lines .view-line', (lines) =>
    Object.fromEntries(
      lines.flatMap((line) =>
        [...line.querySelectorAll('span > span')].map((span) => [span.textContent.replaceAll('\u00a0', ' ').trim(), span.className]),
      ),
    ),
  );
  const kinds = ['namespace', 'storefront', '# What the customers see. Owner: team-web.', '8080', 'http'];
  const seen = new Set(kinds.map((word) => classes[word]));
  check(!seen.has(undefined) && seen.size >= 4, `words have the classes ${JSON.stringify(classes)}`);
  check(classes.tier === classes.namespace, 'keywords have different classes');
  done.push('colours');

  // The server is there: lenses over the tiers.
  await page.waitForSelector('.codelens-decoration', { timeout: 60_000 });
  await picture('vscode.png');
  done.push('lenses');

  // A slip in a name is underlined, and the hover says what is wrong.
  await command('Go to Line');
  await page.keyboard.type('1');
  await page.keyboard.press('Enter');
  const line = readProject('storefront.polder').findIndex((text) => text.includes('web -> api:http -> search:http'));
  await goTo(line + 1, 1);
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.keyboard.type('api -> orders/ordrs:grpc', { delay: 20 });
  await page.keyboard.press('Escape');
  // What was said of the half-written line is replaced.
  await page.waitForTimeout(1500);
  await page.waitForSelector('.squiggly-error', { timeout: 30_000 });
  await page.keyboard.press('F8');
  await page.waitForSelector('.marker-widget');
  const message = await page.textContent('.marker-widget');
  check(message.includes('ordrs'), `the message is ${message}`);
  await picture('vscode-diagnostic.png');
  await page.keyboard.press('Escape');
  done.push('diagnostic');

  // Completion of the name.
  await goTo(line + 2, 1);
  await page.keyboard.press('End');
  for (let count = 0; count < 'ordrs:grpc'.length; count++) {
    await page.keyboard.press('Backspace');
  }
  await page.keyboard.type('or', { delay: 50 });
  await page.keyboard.press('Control+Space');
  await page.waitForSelector('.suggest-widget.visible .monaco-list-row');
  const offered = await page.$$eval('.suggest-widget .monaco-list-row', (rows) => rows.map((row) => row.ariaLabel));
  check(offered.some((label) => label?.startsWith('orders')), `offered are ${offered}`);
  await page.keyboard.press('Enter');
  await waitForLine('the completed name', (text) => text.includes('api -> orders/orders'));
  done.push('completion');

  // Formatting on save.
  await page.keyboard.press('Home');
  await page.keyboard.type('   ');
  await page.keyboard.press('Control+s');
  await waitForLine('the canonical form', (text) => text === '  api -> orders/orders');
  done.push('format');
  await page.keyboard.press('Control+Shift+k');
  await page.keyboard.press('Control+s');
  await waitForFile('storefront.polder', (text) => !text.includes('  api -> orders/orders\n'));

  // A rename, in this file and in others.
  const place = readProject('storefront.polder').findIndex((text) => text.includes('data/redis'));
  await goTo(place + 1, readProject('storefront.polder')[place].indexOf('redis') + 2);
  await page.keyboard.press('F12');
  await page.waitForSelector('.tab.active[data-resource-name="data.polder"]');
  done.push('jump');
  await waitForLine('the other file', (text) => text.includes('tier redis'));
  await page.waitForTimeout(500);
  await page.keyboard.press('F2');
  await page.waitForFunction(() => globalThis.document.activeElement?.closest('.rename-box') !== null);
  await page.waitForTimeout(200);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('cache');
  await page.keyboard.press('Enter');
  await waitForLine('the new name', (text) => /tier cache\b/.test(text));
  await command('File: Save All Files');
  await waitForFile('storefront.polder', (text) => text.includes('data/cache'));
  done.push('rename');

  // The manifests beside the program.
  await open('storefront.polder');
  await command('Polder: Show the NetworkPolicies Beside');
  await page.waitForSelector('.tab:has-text(".yaml")');
  await waitForLine('the manifests', (text) => text.includes('namespace: "storefront"'));
  await command('View: Toggle Primary Side Bar Visibility');
  await picture('vscode-manifests.png');
  done.push('manifests');

  console.log(`VS Code by code-server ${version}: ${done.join(', ')}`);
}

function readProject(file) {
  return readFileSync(join(project, file), 'utf8').split('\n');
}

try {
  await run();
} catch (problem) {
  console.error(`VS Code: after ${done.join(', ')}: ${problem}`);
  const page = browser?.contexts()[0]?.pages()[0];
  await page?.screenshot({ path: join(pictures, 'failed.png') });
  process.exitCode = 1;
} finally {
  await browser?.close();
  process.kill(-server.pid, 'SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
