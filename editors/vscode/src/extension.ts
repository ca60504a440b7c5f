/** Starts `vglint server` and shows what it finds. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";

const run = promisify(execFile);

/** A command with its first arguments. */
interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

let output: vscode.OutputChannel;
let home: string;
let client: LanguageClient | undefined;
/** The last start or stop: the next one waits for it. */
let turn: Promise<void> = Promise.resolve();

export function activate(context: vscode.ExtensionContext): void {
  output = vscode.window.createOutputChannel("vglint");
  home = context.extensionPath;
  context.subscriptions.push(
    output,
    vscode.commands.registerCommand("vglint.restart", restart),
    vscode.commands.registerCommand("vglint.showOutput", () => output.show()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (["enable", "path", "interpreter", "arguments"].some((name) => change.affectsConfiguration(`vglint.${name}`))) {
        void restart();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void restart()),
  );
  void restart();
}

export async function deactivate(): Promise<void> {
  await turn;
  await stop();
}

function restart(): Promise<void> {
  turn = turn.then(stop).then(start).catch((error: unknown) => {
    output.appendLine(`vglint did not start: ${String(error)}`);
    void vscode.window.showErrorMessage(`vglint did not start: ${String(error)}`, "Show the output").then((answer) => {
      if (answer !== undefined) {
        output.show();
      }
    });
  });
  return turn;
}

async function stop(): Promise<void> {
  const last = client;
  client = undefined;
  await last?.dispose();
}

async function start(): Promise<void> {
  const settings = vscode.workspace.getConfiguration("vglint");
  if (!settings.get("enable", true)) {
    return;
  }
  const { command, args } = await found(settings);
  const all = [...args, "server", ...settings.get<string[]>("arguments", [])];
  output.appendLine(`Starting ${[command, ...all].join(" ")}`);
  // Not the folder of the code: `python -m` looks for modules where it starts.
  const server: ServerOptions = { command, args: all, options: { cwd: home } };
  const options: LanguageClientOptions = {
    documentSelector: [
      { language: "python", scheme: "file" },
      { language: "python", scheme: "untitled" },
      { language: "python", scheme: "vscode-notebook-cell" },
    ],
    outputChannel: output,
  };
  client = new LanguageClient("vglint", "vglint", server, options);
  await client.start();
}

/** Returns how vglint is called: as the settings say, else by the interpreter of the Python extension, else by its name. */
async function found(settings: vscode.WorkspaceConfiguration): Promise<Command> {
  const path = settings.get("path", "").trim();
  if (path !== "") {
    return { command: path, args: [] };
  }
  const own = settings.get("interpreter", "").trim();
  const interpreter = own !== "" ? own : await activeInterpreter();
  if (interpreter !== undefined && (own !== "" || (await hasServer(interpreter)))) {
    return { command: interpreter, args: ["-m", "vglint"] };
  }
  return { command: "vglint", args: [] };
}

/** Returns the interpreter that the Python extension has chosen; its environment is only asked in a trusted workspace. */
async function activeInterpreter(): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension("ms-python.python");
  if (extension === undefined || !vscode.workspace.isTrusted) {
    return undefined;
  }
  try {
    const python = (await extension.activate()) as {
      environments?: {
        getActiveEnvironmentPath(): unknown;
        resolveEnvironment(path: unknown): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
      };
    };
    const active = python.environments?.getActiveEnvironmentPath();
    return (await python.environments?.resolveEnvironment(active))?.executable.uri?.fsPath;
  } catch (error) {
    output.appendLine(`The Python extension names no interpreter: ${String(error)}`);
    return undefined;
  }
}

/** Whether an interpreter has vglint and what its server needs. */
async function hasServer(interpreter: string): Promise<boolean> {
  try {
    await run(interpreter, ["-c", "import pygls, vglint"], { cwd: home, timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
