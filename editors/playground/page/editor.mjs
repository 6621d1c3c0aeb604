// The editor: CodeMirror, with everything that it knows of the language from the language server.

import { acceptCompletion, autocompletion, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, toggleComment } from '@codemirror/commands';
import { bracketMatching, indentUnit } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState, RangeSetBuilder, StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, drawSelection, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from '@codemirror/view';

const setTokens = StateEffect.define();
const tokens = StateField.define({
  create: () => Decoration.none,
  update(value, transaction) {
    const found = transaction.effects.find((effect) => effect.is(setTokens));
    return found ? found.value : value.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

const colors = {
  comment: 'comment', keyword: 'keyword', namespace: 'namespace', type: 'endpoint', class: 'endpoint', string: 'string',
  number: 'number', operator: 'keyword', property: 'number', enumMember: 'namespace', variable: 'endpoint',
};

const theme = EditorView.theme({
  '&': { height: '100%', color: 'var(--front)', backgroundColor: 'var(--soft)', fontSize: '14px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'ui-monospace, "DejaVu Sans Mono", monospace', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--front)' },
  '.cm-cursor': { borderLeftColor: 'var(--front)' },
  '.cm-gutters': { backgroundColor: 'var(--soft)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--accent) 8%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { background: 'color-mix(in srgb, var(--accent) 30%, transparent)' },
  '.cm-tooltip': { backgroundColor: 'var(--back)', color: 'var(--front)', border: '1px solid var(--line)', maxWidth: '36rem' },
  '.cm-tooltip pre': { margin: 0, padding: '0.4rem 0.6rem', whiteSpace: 'pre-wrap', font: 'inherit' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--back)' },
  '.cm-diagnosticText': { whiteSpace: 'pre-wrap' },
  ...Object.fromEntries(Object.values(colors).map((name) => [`.p-${name}`, { color: `var(--${name})` }])),
});

const position = (doc, offset) => {
  const line = doc.lineAt(offset);
  return { line: line.number - 1, character: offset - line.from };
};
const offset = (doc, { line, character }) => {
  if (line >= doc.lines) return doc.length;
  const found = doc.line(line + 1);
  return Math.min(found.from + character, found.to);
};

/** Markdown as plain text: what stands between fences and marks. */
const plain = (text) => text.replace(/^```.*$\n?/gm, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]{1,2}/g, '').trim();

export function editor(parent, server, text, onChange, onTold) {
  // In a shadow root its styles need no permission of the page.
  const root = parent.attachShadow({ mode: 'open' });
  const told = async (view, at) => {
    const hover = await server.at('textDocument/hover', position(view.state.doc, at));
    return hover ? plain(hover.contents.value) : null;
  };
  const complete = async (context) => {
    const word = context.matchBefore(/[\w-]*/);
    const before = context.state.sliceDoc(Math.max(0, context.pos - 1), context.pos);
    if (!context.explicit && word.from === word.to && !/[:/>({,&. ]/.test(before)) return null;
    const result = await server.at('textDocument/completion', position(context.state.doc, context.pos));
    const items = Array.isArray(result) ? result : (result?.items ?? []);
    if (items.length === 0) return null;
    const start = items.find((item) => item.textEdit)?.textEdit.range.start;
    return {
      from: start ? offset(context.state.doc, start) : word.from,
      options: items.map((item) => ({
        label: item.label,
        detail: item.detail ?? item.labelDetails?.description,
        apply: item.textEdit?.newText ?? item.insertText ?? item.label,
        info: item.documentation ? plain(item.documentation.value ?? item.documentation) : undefined,
      })),
      validFor: /^[\w-]*$/,
    };
  };
  const format = (view) => {
    formatted(view, server);
    return true;
  };
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), history(), drawSelection(), bracketMatching(), highlightActiveLine(), lintGutter(), tokens, theme,
        indentUnit.of('  '),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': 'Program', 'aria-describedby': 'state' }),
        EditorState.languageData.of(() => [{ commentTokens: { line: '#' } }]),
        autocompletion({ override: [complete], activateOnTyping: true }),
        hoverTooltip(async (view, at) => {
          const text = await told(view, at);
          if (!text) return null;
          const dom = document.createElement('pre');
          dom.textContent = text;
          return { pos: at, create: () => ({ dom }) };
        }),
        keymap.of([
          { key: 'Mod-i', preventDefault: true, run: (view) => (told(view, view.state.selection.main.head).then(onTold), true) },
          { key: 'Shift-Alt-f', run: format },
          { key: 'Mod-/', run: toggleComment },
          { key: 'Enter', run: acceptCompletion },
          ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap,
        ]),
        EditorView.updateListener.of((update) => update.docChanged && onChange(update.state.doc.toString())),
      ],
    }),
  });
  return view;
}

export async function formatted(view, server) {
  const edits = await server.request('textDocument/formatting', { textDocument: { uri: 'file:///main.polder' }, options: { tabSize: 2, insertSpaces: true } });
  const { doc } = view.state;
  const changes = (edits ?? []).map(({ range, newText }) => ({ from: offset(doc, range.start), to: offset(doc, range.end), insert: newText }));
  if (changes.length > 0) view.dispatch({ changes });
}

/** Shows what is wrong, and gives it in the order of the text. */
export function showDiagnostics(view, found) {
  const { doc } = view.state;
  const severity = { 1: 'error', 2: 'warning', 3: 'info', 4: 'hint' };
  const all = found.map((one) => ({
    from: offset(doc, one.range.start),
    to: Math.max(offset(doc, one.range.start), offset(doc, one.range.end)),
    line: one.range.start.line + 1,
    severity: severity[one.severity] ?? 'info',
    source: String(one.code ?? ''),
    message: one.message,
  }));
  all.sort((one, other) => one.from - other.from);
  view.dispatch(setDiagnostics(view.state, all));
  return all;
}

/** Colours the words, as the language server knows them. */
export async function color(view, server) {
  const { doc } = view.state;
  const result = await server.request('textDocument/semanticTokens/full', { textDocument: { uri: 'file:///main.polder' } });
  if (!result || view.state.doc !== doc) return;
  const builder = new RangeSetBuilder();
  let [line, character] = [0, 0];
  for (let at = 0; at < result.data.length; at += 5) {
    const [down, right, length, kind] = result.data.slice(at, at + 4);
    line += down;
    character = down === 0 ? character + right : right;
    const from = offset(doc, { line, character });
    const to = Math.min(from + length, doc.length);
    const name = colors[server.legend[kind]];
    if (name && to > from) builder.add(from, to, Decoration.mark({ class: `p-${name}` }));
  }
  view.dispatch({ effects: setTokens.of(builder.finish()) });
}
