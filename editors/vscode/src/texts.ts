import * as vscode from 'vscode';

const SCHEME = 'polder-text';

/** Texts of the server, one document for each command that asks for one. */
export class Texts implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? '';
  }

  /** Shows a text beside the program; Markdown as it is meant to be read. */
  async show(command: string, language: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `${command}.${language === 'yaml' ? 'yaml' : 'md'}` });
    this.texts.set(uri.path, text);
    this.changed.fire(uri);
    if (language === 'markdown') {
      await vscode.commands.executeCommand('markdown.showPreviewToSide', uri);
      return;
    }
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true });
  }
}
