'use strict';
// Search and focus. Without this, the page holds all the same.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const get = (id) => document.getElementById(id);
  const tools = get('tools');
  const input = get('search');
  const count = get('count');
  const home = new Map(data.nodes.map((node) => [node.id, node.namespace]));
  const text = new Map();
  for (const one of data.namespaces) text.set(one.id, one.name.toLowerCase());
  for (const one of data.nodes) text.set(one.id, (one.name + ' ' + one.beside).toLowerCase());
  let focus = null;

  const isFocus = (id) => id === focus || home.get(id) === focus;
  const has = (id, words) => text.get(id).includes(words);
  function show() {
    const words = input.value.trim().toLowerCase();
    const isFree = !words && !focus;
    const kept = new Set();
    let edges = 0;
    for (const edge of data.edges) {
      const inFocus = !focus || isFocus(edge.from) || isFocus(edge.to);
      const found = !words || has(edge.from, words) || has(edge.to, words) || edge.detail.toLowerCase().includes(words);
      const isKept = inFocus && found;
      if (isKept) {
        edges += 1;
        kept.add(edge.from).add(edge.to);
      }
      for (const part of document.querySelectorAll(`[data-edge="${edge.id}"], #${edge.id}`)) {
        if (part.tagName === 'TR') part.hidden = !isKept;
        else part.classList.toggle('dim', !isKept);
      }
    }
    for (const id of text.keys()) {
      const isKept = isFree || kept.has(id) || (focus && isFocus(id)) || (words && has(id, words));
      for (const part of [get(id), get(id + 'b')]) {
        if (part && part.classList.contains('node')) part.classList.toggle('dim', !isKept);
      }
    }
    count.textContent = isFree ? '' : `${edges} of ${data.edges.length} connections`;
  }
  function set(id) {
    focus = focus === id ? null : id;
    show();
  }
  for (const part of document.querySelectorAll('.picture .node, .picture .frame[id]')) {
    const id = part.id.replace(/b$/, '');
    part.setAttribute('tabindex', '0');
    part.setAttribute('role', 'button');
    part.addEventListener('click', () => set(id));
    part.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        set(id);
      }
    });
  }
  input.addEventListener('input', show);
  get('all').addEventListener('click', () => {
    focus = null;
    input.value = '';
    show();
    input.focus();
  });
  tools.hidden = false;
})();
