import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { Server } from './server';

/** A place in a file, as the server tells it. */
interface Place {
  readonly uri: string;
  readonly range: { readonly start: Point; readonly end: Point };
}

interface Point {
  readonly line: number;
  readonly character: number;
}

/** The answer to `polder/graph`. */
interface Graph {
  readonly svg: string;
  readonly places: Readonly<Record<string, readonly Place[]>>;
}

/** How long nothing must be typed before the picture is drawn again, in milliseconds. */
const PAUSE = 400;

/** A picture of what the program allows, beside it; a click on a part of it goes to where that is written. */
export class GraphView implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private document: vscode.Uri | undefined;
  private places: Graph['places'] = {};
  private timer: NodeJS.Timeout | undefined;
  /** The number of the last question, so that an older answer is not shown after it. */
  private asked = 0;
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly server: Server) {
    this.subscriptions = [
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document.languageId === 'polder' && this.panel !== undefined) {
          clearTimeout(this.timer);
          this.timer = setTimeout(() => void this.draw(), PAUSE);
        }
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.panel?.dispose();
    this.subscriptions.forEach((subscription) => { subscription.dispose(); });
  }

  /** Shows that of the program that the open file belongs to. */
  async show(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.languageId !== 'polder') {
      void vscode.window.showInformationMessage('Open a .polder file first.');
      return;
    }
    this.document = editor.document.uri;
    if (this.panel === undefined) {
      const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
      this.panel = vscode.window.createWebviewPanel('polder.graph', 'What Is Allowed', place, { enableScripts: true });
      this.panel.onDidDispose(() => { this.panel = undefined; });
      this.panel.webview.onDidReceiveMessage((id: unknown) => void this.open(id));
    }
    this.panel.reveal(undefined, true);
    await this.draw();
  }

  private async draw(): Promise<void> {
    const { panel, document } = this;
    if (panel === undefined || document === undefined) {
      return;
    }
    this.asked += 1;
    const asked = this.asked;
    let body: string;
    try {
      const graph = await this.server.ask<Graph>('polder/graph', { textDocument: { uri: document.toString() } });
      if (asked !== this.asked) {
        return;
      }
      this.places = graph.places;
      body = graph.svg;
    } catch (problem) {
      if (asked !== this.asked) {
        return;
      }
      this.places = {};
      body = `<p>${escaped(problem instanceof Error ? problem.message : String(problem))}</p>`;
    }
    panel.webview.html = page(body, Object.keys(this.places));
  }

  /** Goes to where a part of the picture is written. */
  private async open(id: unknown): Promise<void> {
    const found = typeof id === 'string' ? (this.places[id] ?? []) : [];
    const pick = found.length > 1 ? await vscode.window.showQuickPick(
      found.map((place) => ({ label: `${vscode.workspace.asRelativePath(vscode.Uri.parse(place.uri))}:${place.range.start.line + 1}`, place })),
    ) : undefined;
    const place = found.length === 1 ? found[0] : pick?.place;
    if (place === undefined) {
      return;
    }
    const { start, end } = place.range;
    await vscode.window.showTextDocument(vscode.Uri.parse(place.uri), {
      viewColumn: vscode.ViewColumn.One,
      selection: new vscode.Range(start.line, start.character, end.line, end.character),
    });
  }
}

/** The page of a picture: nothing runs in it but its own script, and nothing is asked for. */
function page(body: string, known: readonly string[]): string {
  const nonce = randomBytes(16).toString('base64');
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<style nonce="${nonce}">body{padding:8px}svg [data-place]{cursor:pointer}svg [data-place]:focus-visible{outline:2px solid var(--vscode-focusBorder)}</style>
</head><body>
${body.replace('<style>', `<style nonce="${nonce}">`)}
<script nonce="${nonce}">
const editor = acquireVsCodeApi();
for (const id of ${JSON.stringify(known)}) {
  for (const part of [document.getElementById(id), document.getElementById(id + 'b')]) {
    if (part === null) continue;
    part.dataset.place = id;
    part.setAttribute('tabindex', '0');
    part.setAttribute('role', 'link');
    const go = (event) => {
      event.stopPropagation();
      editor.postMessage(id);
    };
    part.addEventListener('click', go);
    part.addEventListener('keydown', (event) => event.key === 'Enter' && go(event));
  }
}
</script></body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
