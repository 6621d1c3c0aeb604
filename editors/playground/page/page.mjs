// The page: the editor, what is wrong, the manifests, the answers, and the address that holds the program.

import { packed, unpacked } from './address.mjs';
import { color, editor, formatted, showDiagnostics } from './editor.mjs';
import { Server } from './server.mjs';

const $ = (id) => document.getElementById(id);
const examples = await (await fetch('examples.json')).json();

let before = '';
let view = null;
let shown = [];

const server = new Server(
  ({ diagnostics }) => {
    shown = view ? showDiagnostics(view, diagnostics) : [];
    const count = (severity, noun) => {
      const number = shown.filter((one) => one.severity === severity).length;
      return number === 0 ? [] : [`${number} ${noun}${number === 1 ? '' : 's'}`];
    };
    const said = [...count('error', 'error'), ...count('warning', 'warning')].join(', ');
    $('state').textContent = said === '' ? 'No problems.' : said;
    $('problems').replaceChildren(
      ...shown.map((one) => {
        const item = document.createElement('li');
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = `line ${one.line}: ${one.severity} ${one.source}: ${one.message}`;
        button.onclick = () => {
          view.dispatch({ selection: { anchor: one.from, head: one.to }, scrollIntoView: true });
          view.focus();
        };
        item.append(button);
        return item;
      }),
    );
  },
  (failure) => {
    $('state').textContent = `The compiler stopped, which is a mistake in it: ${failure}. Reload the page to go on.`;
  },
);

async function refresh() {
  const yaml = await server.request('workspace/executeCommand', { command: 'polder.manifests', arguments: ['file:///main.polder'] });
  $('manifests').textContent = yaml ?? 'There are no manifests while there is an error.';
  await color(view, server);
}

/** Tells the server of a text; while it works on one, only the last of those that come in is kept. */
let next = null;
let busy = null;
function changed(text) {
  next = text;
  busy ??= (async () => {
    while (next !== null) {
      const now = next;
      next = null;
      const start = performance.now();
      await server.change(now);
      performance.measure('diagnostics', { start, end: performance.now() });
      if (next === null) await refresh();
      if (next === null) history.replaceState(null, '', await packed(now));
    }
    busy = null;
  })();
}

function replace(text) {
  before = text;
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

async function names() {
  const { code, text } = await server.ask(['reach', '--names', '--format', 'json', '-p', 'main.polder'], { 'main.polder': view.state.doc.toString() });
  const found = code === 0 ? JSON.parse(text).names : [];
  $('names').replaceChildren(...found.map((name) => Object.assign(document.createElement('option'), { value: name })));
}

function fields() {
  const question = $('question').value;
  $('from-label').hidden = ['test', 'diff'].includes(question);
  $('to-label').hidden = ['test', 'diff', 'blast'].includes(question);
  $('from').required = ['can', 'why', 'blast'].includes(question);
  $('to').required = ['can', 'why'].includes(question);
}

async function answer(event) {
  event.preventDefault();
  const question = $('question').value;
  const text = view.state.doc.toString();
  const ends = [$('from').value.trim(), $('to').value.trim()].slice(0, question === 'blast' ? 1 : 2);
  // Without anybody that connects, it is about all.
  if (question === 'reach' && ends[0] === '' && ends[1] !== '') ends[0] = 'anywhere';
  const given = ends.filter((end) => end !== '');
  const files = { 'main.polder': text };
  let words = [question, ...given, '-p', 'main.polder'];
  if (question === 'test') words = ['test', 'main.polder'];
  if (question === 'diff') {
    words = ['diff', 'before/main.polder', 'main.polder'];
    files['before/main.polder'] = before;
  }
  const line = words.map((word) => (/[^\w./:-]/.test(word) ? `'${word}'` : word)).join(' ');
  const { text: said } = await server.ask(words, files);
  $('answer').textContent = `$ polder ${line}\n${said}`;
}

const option = ({ name }, at) => Object.assign(document.createElement('option'), { value: at, textContent: name });
$('examples').replaceChildren(Object.assign(document.createElement('option'), { value: '', textContent: 'choose one' }), ...examples.map(option));
$('examples').onchange = () => $('examples').value !== '' && replace(examples[$('examples').value].text);
$('format').onclick = () => formatted(view, server);
$('share').onclick = async () => {
  const link = new URL(await packed(view.state.doc.toString()), location.href).href;
  history.replaceState(null, '', link);
  try {
    await navigator.clipboard.writeText(link);
    $('shared').textContent = 'The link is copied.';
  } catch {
    $('shared').textContent = 'The link is in the address bar.';
  }
};
$('question').onchange = fields;
$('ask').onsubmit = answer;
for (const id of ['from', 'to']) $(id).onfocus = names;
window.onhashchange = async () => {
  const text = await unpacked(location.hash);
  if (text !== null && text !== view.state.doc.toString()) replace(text);
};
fields();

const text = (await unpacked(location.hash)) ?? examples[0].text;
before = text;
view = editor($('editor'), server, text, changed, (said) => {
  $('told').hidden = false;
  $('told').textContent = said ?? 'Nothing is known of what is under the cursor.';
});
await server.start(text);
await refresh();
performance.mark('ready');
document.body.dataset.ready = 'yes';
