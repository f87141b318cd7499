import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { constants, setPriority } from "node:os";

interface Order {
  readonly name: string;
  readonly argument: unknown;
}

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/** Longest an order may take, beside the time that it is told to. */
const patienceMs = 30_000;

/** A process that does what it is told, one thing after the other. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #script: string;

  constructor(script: string, args: readonly string[]) {
    this.#script = script;
    this.#process = fork(new URL(script, import.meta.url), args, {
      serialization: "advanced",
      // As the command runs.
      execArgv: ["--max-semi-space-size=8", "--expose-gc"],
    });
  }

  /** Leaves the processors to everybody else, as a process on another machine would. */
  standBack(): void {
    setPriority(this.pid, constants.priority.PRIORITY_LOW);
    // Where there is no such program the priority has to do.
    spawnSync("chrt", ["--all-tasks", "--idle", "--pid", "0", String(this.pid)]);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Rejects with what the child says, when it ends before, and when it takes `forMs` and much longer. */
  async ask<T>(name: string, argument?: unknown, forMs = 0): Promise<T> {
    const over = new AbortController();
    const options = { signal: AbortSignal.any([over.signal, AbortSignal.timeout(forMs + patienceMs)]) };
    const answered = once(this.#process, "message", options);
    const exited = once(this.#process, "exit", options).then(([code, signal]) => {
      throw new Error(`${this.#script} ended at "${name}": ${signal ?? `exit code ${code}`}`);
    });
    try {
      this.#process.send({ name, argument } satisfies Order);
      const [{ result, error }] = (await Promise.race([answered, exited])) as [Answer];
      if (error !== undefined) throw new Error(`${this.#script}, ${name}: ${error}`);
      return result as T;
    } finally {
      over.abort();
      await Promise.allSettled([answered, exited]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit", { signal: AbortSignal.timeout(patienceMs) });
    if (this.#process.connected) this.#process.disconnect();
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 5_000);
    await exited.finally(() => clearTimeout(late));
  }
}

/** The child's side. A parent that is gone ends it. */
export function obey(orders: Readonly<Record<string, (argument: never) => unknown>>): void {
  const send = (answer: Answer): void => {
    process.send?.(answer);
  };
  process.on("disconnect", () => process.exit());
  process.on("message", ({ name, argument }: Order) => {
    const obeyed = (async () => orders[name]?.(argument as never))();
    obeyed.then(
      (result) => send({ result }),
      (error: unknown) => send({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
}
