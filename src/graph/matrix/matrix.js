'use strict';
// Search. Without this, the page holds all the same.
(() => {
  const get = (id) => document.getElementById(id);
  const input = get('search');
  const rows = [...document.querySelectorAll('tbody[data-list] tr')];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const heads = [...document.querySelectorAll('.matrix tbody tr')];
  const names = heads.map((row) => row.firstElementChild.getAttribute('title').toLowerCase());
  function show() {
    const words = input.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = words !== '' && !texts[at].includes(words);
      if (!row.hidden) shown += 1;
    });
    heads.forEach((row, at) => {
      row.hidden = words !== '' && names.some((name) => name.includes(words)) && !names[at].includes(words);
    });
    get('count').textContent = words === '' ? '' : `${shown} of ${rows.length} connections`;
  }
  // A cell leads to a line, which a search may hide.
  addEventListener('hashchange', () => {
    const row = location.hash.length > 1 && get(decodeURIComponent(location.hash.slice(1)));
    if (row && row.hidden) {
      input.value = '';
      show();
      row.scrollIntoView();
    }
  });
  input.addEventListener('input', show);
  get('all').addEventListener('click', () => {
    input.value = '';
    show();
    input.focus();
  });
  get('tools').hidden = false;
})();
