import * as vscode from 'vscode';
import type { Server } from './server';

/** What there is to know of a policy, as `polder import --format json` has it. */
interface Told {
  readonly what?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly statement?: string | null;
  readonly line: number;
}

/** The answer to `polder/import`. */
interface Imported {
  readonly program: string | null;
  readonly refused: readonly Told[];
  readonly findings: readonly Told[];
  readonly summary: string;
}

/** Opens a program beside the open YAML or JSON that means the same as its NetworkPolicies, or as the selected ones. */
export async function importPolicies(server: Server, output: vscode.LogOutputChannel): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    void vscode.window.showInformationMessage('Open a file with NetworkPolicies first.');
    return;
  }
  const { document, selection } = editor;
  // The server is only told of programs, so it is given the text.
  const params = {
    textDocument: { uri: document.uri.toString() },
    text: document.getText(),
    ...(selection.isEmpty ? {} : { range: { start: selection.start, end: selection.end } }),
  };
  let answer: Imported;
  try {
    answer = await server.ask<Imported>('polder/import', params);
  } catch (problem) {
    void vscode.window.showErrorMessage(problem instanceof Error ? problem.message : String(problem));
    return;
  }
  if (answer.program !== null) {
    const program = await vscode.workspace.openTextDocument({ language: 'polder', content: answer.program });
    await vscode.window.showTextDocument(program, { viewColumn: vscode.ViewColumn.Beside });
  }
  const lines = report(document.fileName, answer);
  lines.forEach((line) => { output.info(line); });
  const show = 'Show the Report';
  const tell = answer.refused.length > 0 ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  if ((await tell(answer.summary, ...(lines.length > 1 ? [show] : []))) === show) {
    output.show(true);
  }
}

/** What was refused and what was found, line by line. */
function report(file: string, { refused, findings, summary }: Imported): string[] {
  const place = (told: Told) => (told.line > 0 ? ` (${file}:${told.line})` : '');
  return [
    summary,
    ...refused.map((told) => `refused: ${told.what ?? ''}: ${told.reason ?? ''}${place(told)}`),
    ...findings.flatMap((told) => [
      `${told.message ?? ''}${place(told)}`,
      ...(told.statement == null ? [] : [`  ${told.statement}`]),
    ]),
  ];
}
