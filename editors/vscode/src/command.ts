import { execFile } from 'node:child_process';
import * as vscode from 'vscode';

/** The `polder` of the settings. */
export function executable(): string {
  return vscode.workspace.getConfiguration('polder').get<string>('path', 'polder').trim() || 'polder';
}

export interface Finished {
  /** The exit code, or nothing when the command could not be started. */
  code: number | undefined;
  output: string;
  errors: string;
}

/** Runs polder and gives what it printed, whatever its exit code. */
export function run(args: string[], folder: string): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { cwd: folder, maxBuffer: 1 << 28, env: { ...process.env, NO_COLOR: '1' } };
    execFile(executable(), args, options, (error, output, errors) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
      resolve({ code, output, errors: errors || (error?.message ?? '') });
    });
  });
}

/** Says that polder is not there, and offers to mend it. */
export async function reportMissing(): Promise<void> {
  const open = 'Open Settings';
  const text = `\`${executable()}\` cannot be started. Install Polder, or set its path.`;
  if ((await vscode.window.showErrorMessage(text, open)) === open) {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'polder.path');
  }
}
