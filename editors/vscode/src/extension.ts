import * as vscode from 'vscode';
import { findBundled } from './command';
import { GraphView } from './graph';
import { importPolicies } from './import';
import { Manifests } from './manifests';
import { Server } from './server';
import { Texts } from './texts';

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  findBundled(context);
  const output = vscode.window.createOutputChannel('Polder', { log: true });
  const texts = new Texts();
  const server = new Server(output, texts);
  const manifests = new Manifests();
  const graph = new GraphView(server);
  context.subscriptions.push(
    output,
    texts,
    server,
    manifests,
    graph,
    vscode.commands.registerCommand('polder.restartServer', () => server.restart()),
    vscode.commands.registerCommand('polder.showManifests', () => manifests.show()),
    vscode.commands.registerCommand('polder.showGraph', () => graph.show()),
    vscode.commands.registerCommand('polder.importPolicies', () => importPolicies(server, output)),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration('polder.path') || event.affectsConfiguration('polder.server')) {
        await server.restart();
      }
    }),
  );
  await server.restart();
}
