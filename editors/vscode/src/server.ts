import * as vscode from 'vscode';
import { LanguageClient, RevealOutputChannelOn } from 'vscode-languageclient/node';
import { executable, reportMissing, run } from './command';
import { Texts } from './texts';

/** What a command of the server gives, by the name of the command. */
const LANGUAGES: Readonly<Record<string, string>> = {
  'polder.manifests': 'yaml',
  'polder.reach': 'markdown',
  'polder.explain': 'markdown',
};

/** The language server, one for the window. */
export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  /** One restart at a time, in the order in which they were asked for. */
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly output: vscode.LogOutputChannel,
    private readonly texts: Texts,
  ) {}

  restart(): Promise<void> {
    this.last = this.last.then(() => this.stopAndStart());
    return this.last;
  }

  /** Asks the server, once it has started. */
  async ask<T>(method: string, params: unknown): Promise<T> {
    await this.last;
    if (this.client === undefined) {
      throw new Error('The language server of Polder does not run.');
    }
    return this.client.sendRequest<T>(method, params);
  }

  dispose(): void {
    void this.client?.dispose();
  }

  private async stopAndStart(): Promise<void> {
    await this.client?.dispose();
    this.client = undefined;
    if (!vscode.workspace.getConfiguration('polder').get<boolean>('server', true)) {
      return;
    }
    const version = await run(['--version'], '.');
    if (version.code !== 0) {
      this.output.error(version.errors);
      void reportMissing(version.errors);
      return;
    }
    this.output.info(version.output.trim());
    const client = this.create();
    try {
      await client.start();
      this.client = client;
    } catch (problem) {
      this.output.error(String(problem));
    }
  }

  private create(): LanguageClient {
    return new LanguageClient(
      'polder',
      'Polder',
      { command: executable(), args: ['lsp'] },
      {
        documentSelector: [
          { scheme: 'file', language: 'polder' },
          { scheme: 'untitled', language: 'polder' },
        ],
        synchronize: {
          fileEvents: ['**/*.polder', '**/polder.toml'].map((glob) => vscode.workspace.createFileSystemWatcher(glob)),
        },
        outputChannel: this.output,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        middleware: {
          // The commands of a lens give texts to show.
          executeCommand: async (command, args, next) => {
            const answer: unknown = await next(command, args);
            const language = LANGUAGES[command];
            if (language !== undefined && typeof answer === 'string') {
              await this.texts.show(command, language, answer);
            }
            return answer;
          },
        },
      },
    );
  }
}
