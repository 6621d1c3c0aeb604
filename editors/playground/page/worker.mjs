// The compiler and the language server, on a thread of their own. A mistake of theirs ends the instance and not the page.

let compiler = null;

async function start() {
  const { instance } = await WebAssembly.instantiateStreaming(fetch('polder.wasm'), {});
  compiler = instance.exports;
}

/** Gives a text to a function of the compiler, and reads the text that it answers with. */
function call(name, text) {
  const bytes = new TextEncoder().encode(text);
  const place = compiler.reserve(bytes.length);
  new Uint8Array(compiler.memory.buffer, place, bytes.length).set(bytes);
  const length = compiler[name]();
  return JSON.parse(new TextDecoder().decode(new Uint8Array(compiler.memory.buffer, compiler.said(), length)));
}

let queue = start();
self.onmessage = ({ data: { id, name, body } }) => {
  queue = queue.then(async () => {
    try {
      self.postMessage({ id, answer: call(name, JSON.stringify(body)) });
    } catch (error) {
      self.postMessage({ id, failure: String(error) });
      await start();
    }
  });
};
queue.catch((error) => self.postMessage({ id: 0, failure: String(error) }));
