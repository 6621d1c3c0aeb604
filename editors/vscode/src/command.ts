import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';

/** The command that the package for this platform brings; nothing in the package for all platforms. */
let bundled: string | undefined;
let homepage = '';

/** Looks for the command that came with the extension. */
export function findBundled({ extension }: vscode.ExtensionContext): void {
  const path = join(extension.extensionPath, 'bin', process.platform === 'win32' ? 'polder.exe' : 'polder');
  bundled = existsSync(path) ? path : undefined;
  homepage = (extension.packageJSON as { homepage: string }).homepage;
}

/** The `polder` of the settings, or else the one that came with the extension, or else the one on the path. */
export function executable(): string {
  return vscode.workspace.getConfiguration('polder').get<string>('path', '').trim() || (bundled ?? 'polder');
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

/** Says that polder is not there and why, and offers what can be done. */
export async function reportMissing(problem: string): Promise<void> {
  const command = executable();
  const install = 'How to Install';
  const settings = 'Open Settings';
  const text =
    command === 'polder'
      ? 'There is no `polder` on the path, and this package of the extension brings none. Install it, or set `polder.path`.'
      : `\`${command}\` cannot be started: ${problem.trim()}`;
  const choice = await vscode.window.showErrorMessage(text, install, settings);
  if (choice === install) {
    await vscode.env.openExternal(vscode.Uri.parse(homepage));
  } else if (choice === settings) {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'polder.path');
  }
}
