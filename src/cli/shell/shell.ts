import { createInterface } from "node:readline";
import { type Connection, type OpenOptions, open } from "../../open/index.ts";
import { verbsText, verbText } from "../verbs/help.ts";
import { readArgs, readGlobal } from "../verbs/read-args.ts";
import { asksForHelp, openOptionsOf, runVerbOn, verbOf } from "../verbs/run-verb.ts";
import { candidates } from "./candidates.ts";
import { historyFile, readHistory, rememberLine } from "./history.ts";
import { splitLine, type Words } from "./split-line.ts";
import { TypedLines } from "./typed-lines.ts";

/** One command after the other: typed, or from a script on standard input. Returns the exit code. */
export async function shell(global: readonly string[]): Promise<number> {
  await using session = new ShellSession(global);
  if (!process.stdin.isTTY || !process.stdout.isTTY) return await runScript(session);
  process.stdout.write("Welcome to virtwright.\n\nType:  'help' for help with commands\n       'quit' to quit\n\n");
  const file = historyFile();
  const history = readHistory(file);
  const lines = new TypedLines({
    prompt: () => session.prompt,
    history,
    complete: (line) => session.complete(line),
  });
  for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
    if (line.trim() === "") continue;
    if (history[0] !== line) {
      history.unshift(line);
      rememberLine(file, line);
    }
    await session.runAll(line);
    if (session.isOver) return 0;
  }
  process.stdout.write("\n");
  return 0;
}

/** Line by line, as they come, whatever has come of the line before. Returns the exit code of the last one. */
async function runScript(session: ShellSession): Promise<number> {
  let status = 0;
  using lines = createInterface({ input: process.stdin, terminal: false });
  for await (const line of lines) {
    if (line.trim() !== "") status = await session.runAll(line);
    if (session.isOver) break;
  }
  return status;
}

/** The commands of one line. Returns the exit code of the last one. */
export async function runLine(global: readonly string[], line: string): Promise<number> {
  await using session = new ShellSession(global);
  return await session.runAll(line);
}

/**
 * Runs commands on one connection, which is opened when it is needed, and again when it was lost.
 *
 *     open -> over        by quit or exit
 */
class ShellSession implements AsyncDisposable {
  isOver = false;
  #uri: string | undefined;
  #isReadOnly: boolean;
  #connection: Connection | undefined;
  readonly #options: OpenOptions;
  /** How much each command says. */
  readonly #loudness: readonly string[];

  constructor(global: readonly string[]) {
    const given = readGlobal(global);
    this.#uri = given.text("connect");
    this.#isReadOnly = given.has("readonly");
    this.#options = openOptionsOf(given);
    this.#loudness = global.filter((each) => ["--quiet", "--timing"].includes(each));
  }

  get prompt(): string {
    return `virtwright ${this.#isReadOnly ? ">" : "#"} `;
  }

  /**
   * Runs the commands of a line: none when one of them cannot be meant. What is wrong is said. Resolves with the exit code
   * of the last command.
   */
  async runAll(line: string): Promise<number> {
    let status = 0;
    try {
      const commands = splitLine(line);
      for (const words of commands) await check(words);
      for (const words of commands) {
        status = await this.#run(words);
        if (this.isOver) break;
      }
    } catch (error) {
      status = complain(error);
    }
    return status;
  }

  /** For readline: what could stand at the end of a line, and what of it is there already. */
  async complete(line: string): Promise<[string[], string]> {
    const connection = await this.#reach().catch(() => undefined);
    return candidates(line, async () => connection, Object.keys(ownCommands));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.close();
  }

  async #run([name = "", ...args]: Words): Promise<number> {
    try {
      const own = Object.hasOwn(ownCommands, name) ? ownCommands[name] : undefined;
      if (own !== undefined) return (await own(this, args)) ?? 0;
      return await runVerbOn(await this.#reach(), name, [...this.#loudness, ...args]);
    } catch (error) {
      return complain(error);
    }
  }

  /** Another hypervisor from here on. */
  async connect(uri: string | undefined, isReadOnly: boolean): Promise<void> {
    await this.#connection?.close();
    this.#connection = undefined;
    this.#uri = uri ?? this.#uri;
    this.#isReadOnly = isReadOnly;
    await this.#reach();
  }

  async #reach(): Promise<Connection> {
    if (this.#connection?.state === "open") return this.#connection;
    await this.#connection?.close();
    this.#connection = await open(this.#uri, { ...this.#options, readOnly: this.#isReadOnly });
    return this.#connection;
  }
}

/** What is for the shell itself. */
const ownCommands: Readonly<Record<string, (session: ShellSession, args: Words) => Promise<number | void>>> = {
  quit: async (session) => void (session.isOver = true),
  exit: async (session) => void (session.isOver = true),
  help: async (_, [verb]) =>
    void process.stdout.write(`${verb === undefined ? await verbsText() : await verbText(verb)}\n`),
  echo: async (_, args) => void process.stdout.write(`${args.join(" ")}\n`),
  pwd: async () => void process.stdout.write(`${process.cwd()}\n\n`),
  cd: async (_, [directory]) => process.chdir(directory ?? process.env["HOME"] ?? "/"),
  connect: async (session, args) =>
    session.connect(
      args.find((arg) => !arg.startsWith("--")),
      args.includes("--readonly"),
    ),
};

/** Throws UsageError for a command that cannot be meant. */
async function check([name = "", ...args]: Words): Promise<void> {
  if (Object.hasOwn(ownCommands, name)) return;
  const verb = await verbOf(name);
  if (!asksForHelp(args)) readArgs(name, verb, args);
}

/** Whatever it is, what was typed before and what comes after are not to suffer from it. */
function complain(error: unknown): number {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
}
