// Which command the extension for VS Code starts, and what it says when there is none.
//
//   node bundled.cjs EXTENSION     the unpacked extension
//
// VS Code itself is made up here: what it is asked counts. `editors/test/slow` has the real one.
const Module = require('node:module');
const { join, resolve } = require('node:path');
const { readFileSync } = require('node:fs');

const folder = resolve(process.argv[2]);
const said = { info: [], errors: [] };
// Whatever else is called or made answers with more of itself.
const anything = new Proxy(function () {}, {
  get: (_, name) => (name === Symbol.toPrimitive ? () => '' : name === 'then' ? undefined : anything),
  apply: () => anything,
  construct: () => anything,
});
const output = { info: (line) => said.info.push(line), error: () => {}, dispose: () => {} };
const vscode = {
  window: {
    createOutputChannel: () => output,
    showErrorMessage: async (text, ...choices) => {
      said.errors.push([text, ...choices]);
      return undefined;
    },
  },
  workspace: { getConfiguration: () => ({ get: (_, fallback) => fallback }) },
};
const stub = (known) =>
  new Proxy(known, {
    get: (object, name) => {
      const value = object[name] ?? anything;
      return typeof value === 'object' && value !== output ? stub(value) : value;
    },
  });
const load = Module._load;
Module._load = (request, ...rest) => (request === 'vscode' ? Object.create(stub(vscode)) : load(request, ...rest));

const { activate } = require(join(folder, 'out/extension.js'));
const packageJSON = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const finish = () => {
  console.log(JSON.stringify(said));
  process.exit(0);
};
// The server cannot be started in a VS Code that is not there; by then everything is said.
activate({ extension: { extensionPath: folder, packageJSON }, subscriptions: [] }).then(finish, finish);
