import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { reportMissing, run } from './command';

const SCHEME = 'polder-manifests';

/** The NetworkPolicies of a program, beside it, and new whenever one of its files is saved. */
export class Manifests implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly subscriptions: { dispose(): unknown }[];

  constructor() {
    this.subscriptions = [
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidSaveTextDocument((saved) => {
        if (saved.languageId === 'polder' || basename(saved.fileName) === 'polder.toml') {
          const shown = vscode.workspace.textDocuments.filter((document) => document.uri.scheme === SCHEME);
          shown.forEach((document) => { this.changed.fire(document.uri); });
        }
      }),
    ];
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => { subscription.dispose(); });
  }

  /** Shows those of the program that the open file belongs to. */
  async show(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.languageId !== 'polder' || editor.document.uri.scheme !== 'file') {
      void vscode.window.showInformationMessage('Open a saved .polder file first.');
      return;
    }
    const program = programOf(editor.document.fileName);
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `${program}.yaml`, query: program });
    const document = await vscode.workspace.openTextDocument(uri);
    this.changed.fire(uri);
    await vscode.languages.setTextDocumentLanguage(document, 'yaml');
    const namespace = namespaceAt(editor.document, editor.selection.active);
    const shown = await vscode.window.showTextDocument(document, {
      viewColumn: vscode.ViewColumn.Beside,
      preserveFocus: true,
    });
    if (namespace !== undefined) {
      reveal(shown, namespace);
    }
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const program = uri.query;
    const built = await run(['build', '-o', '-', program], dirname(program));
    if (built.code === undefined) {
      void reportMissing(built.errors);
    }
    if (built.code === 0) {
      return built.output || '# The program makes no policies.\n';
    }
    const said = built.errors.split('\n').map((line) => `# ${line}`.trimEnd());
    return `# There are no policies while the program has errors.\n#\n${said.join('\n')}\n`;
  }
}

/** The namespace that a place is in or after, or else the first one of the file. */
function namespaceAt(document: vscode.TextDocument, place: vscode.Position): string | undefined {
  const heads = [...document.getText().matchAll(/^[ \t]*namespace[ \t]+([A-Za-z0-9_-]+)[ \t]*\{/gm)];
  const above = heads.filter((head) => document.positionAt(head.index).line <= place.line);
  return (above.at(-1) ?? heads[0])?.[1];
}

/** Scrolls to the first policy of a namespace. */
function reveal(editor: vscode.TextEditor, namespace: string): void {
  const text = editor.document.getText();
  const found = text.indexOf(`\n  namespace: "${namespace}"\n`);
  if (found >= 0) {
    const start = editor.document.positionAt(text.lastIndexOf('apiVersion:', found));
    editor.revealRange(new vscode.Range(start, start), vscode.TextEditorRevealType.AtTop);
  }
}

/** The folder with polder.toml that a file's program is in, or without one, the file. */
function programOf(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'polder.toml'))) {
      return folder;
    }
    if (folder === dirname(folder)) {
      return file;
    }
  }
}
