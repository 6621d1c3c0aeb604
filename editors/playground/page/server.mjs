// The language server in the worker, asked as an editor asks; and the commands that answer questions.

export const uri = 'file:///main.polder';

export class Server {
  constructor(onDiagnostics, onFailure) {
    this.worker = new Worker('worker.js');
    this.waiting = new Map();
    this.id = 0;
    this.version = 0;
    this.onDiagnostics = onDiagnostics;
    this.worker.onmessage = ({ data: { id, answer, failure } }) => {
      const { resolve, reject } = this.waiting.get(id) ?? {};
      this.waiting.delete(id);
      if (failure !== undefined) {
        onFailure(failure);
        reject?.(new Error(failure));
      } else resolve?.(answer);
    };
  }

  call(name, body) {
    const id = ++this.id;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, name, body });
    });
  }

  /** Sends a message; gives the answer to it, and passes on what the server says by itself. */
  async send(message) {
    const said = await this.call('take', { jsonrpc: '2.0', ...message });
    for (const { method, params } of said) if (method === 'textDocument/publishDiagnostics') this.onDiagnostics(params);
    return said.find((one) => message.id !== undefined && one.id === message.id)?.result;
  }

  request(method, params) {
    return this.send({ id: ++this.id, method, params });
  }

  notify(method, params) {
    return this.send({ method, params });
  }

  async start(text) {
    const { capabilities } = await this.request('initialize', { capabilities: {}, rootUri: null });
    await this.notify('initialized', {});
    this.legend = capabilities.semanticTokensProvider.legend.tokenTypes;
    this.version = 1;
    await this.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'polder', version: 1, text } });
  }

  change(text) {
    this.version += 1;
    return this.notify('textDocument/didChange', { textDocument: { uri, version: this.version }, contentChanges: [{ text }] });
  }

  at(method, position, more = {}) {
    return this.request(method, { textDocument: { uri }, position, ...more });
  }

  /** Runs a command over files; gives its text and its exit code. */
  ask(words, files) {
    return this.call('ask', { words, files: Object.entries(files) });
  }
}
