'use strict';
// Search, focus and order. Without this, the page holds all the same.
(() => {
  const get = (id) => document.getElementById(id);
  const [input, focus, count] = ['search', 'focus', 'count'].map(get);
  const rows = [...document.querySelectorAll('tbody[data-list] tr')];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const heads = [...document.querySelectorAll('.matrix tbody tr')];
  const names = heads.map((row) => row.firstElementChild.textContent.toLowerCase());
  const columns = new Map(get('connections') ? [...get('connections').querySelectorAll('tbody tr')].map((row) => [row, [...row.cells].slice(0, 2).map((cell) => cell.textContent)]) : []);
  for (const id of ['from-outside', 'to-outside']) {
    for (const row of document.querySelectorAll(`#${id} tbody tr`)) columns.set(row, [...row.cells].slice(0, 2).map((cell) => cell.textContent));
  }

  // Whether one end of a line is who is looked at, or all that it is among.
  const isAbout = (end, who) => end === who || end.startsWith('(all') || end === 'cluster' || end === 'anywhere'
    || (end.endsWith('/*') && who.startsWith(end.slice(0, -1))) || (who.endsWith('/*') && end.startsWith(who.slice(0, -1)));
  const known = new Set();
  for (const ends of columns.values()) ends.forEach((end) => end.startsWith('(') || known.add(end));
  for (const name of [...known].sort()) focus.append(new Option(name, name));

  function show() {
    const words = input.value.trim().toLowerCase();
    const who = focus.value;
    let shown = 0;
    rows.forEach((row, at) => {
      const ends = columns.get(row);
      row.hidden = (words !== '' && !texts[at].includes(words)) || (who !== '' && ends !== undefined && !ends.some((end) => isAbout(end, who)));
      if (!row.hidden) shown += 1;
    });
    heads.forEach((row, at) => {
      const isOther = words !== '' && names.some((name) => name.includes(words)) && !names[at].includes(words);
      row.hidden = isOther || (who !== '' && names.includes(who.toLowerCase()) && names[at] !== who.toLowerCase());
    });
    count.textContent = words === '' && who === '' ? '' : `${shown} of ${rows.length} rows`;
  }

  // A cell leads to a line, which a search may hide.
  addEventListener('hashchange', () => {
    const row = location.hash.length > 1 && get(decodeURIComponent(location.hash.slice(1)));
    if (row && row.hidden) {
      input.value = '';
      focus.value = '';
      show();
      row.scrollIntoView();
    }
  });

  for (const table of document.querySelectorAll('table.list')) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = head.textContent;
      button.title = 'Order by this';
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const isUp = head.getAttribute('aria-sort') !== 'ascending';
        for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', isUp ? 'ascending' : 'descending');
        const keyed = [...body.rows].map((row, place) => [row.cells[at].textContent, place, row]);
        keyed.sort(([one, a], [other, b]) => (isUp ? 1 : -1) * one.localeCompare(other, 'en', { numeric: true }) || a - b);
        body.append(...keyed.map(([, , row]) => row));
      });
    });
  }

  // A node of the picture is who is looked at.
  for (const node of document.querySelectorAll('#graph .node, #graph .frame[id]')) {
    const name = node.querySelector('title').textContent.split('\n')[0].split(': ')[0];
    const who = node.classList.contains('frame') ? `${name}/*` : name;
    if (![...focus.options].some((option) => option.value === who)) focus.append(new Option(who, who));
    node.setAttribute('tabindex', '0');
    node.setAttribute('role', 'button');
    const set = () => {
      focus.value = focus.value === who ? '' : who;
      show();
    };
    node.addEventListener('click', set);
    node.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        set();
      }
    });
  }

  input.addEventListener('input', show);
  focus.addEventListener('change', show);
  get('all').addEventListener('click', () => {
    input.value = '';
    focus.value = '';
    show();
    input.focus();
  });
  get('tools').hidden = false;
})();
