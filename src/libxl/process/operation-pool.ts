import { DeadlineError, Deferred, type Loop, StateError } from "../../event/index.ts";
import type { LogLine } from "../log-line.ts";
import { ContextClient, ProcessEndedError } from "./context-client.ts";
import type { ContextProcess, Launch } from "./launch.ts";

export interface PoolOptions {
  readonly launch: Launch;
  /** Processes at most. */
  readonly limit: number;
  readonly onLog: (line: LogLine) => void;
}

interface Member {
  readonly process: ContextProcess;
  readonly client: ContextClient;
}

/** As long as anything that has a process may take to give it back, but for what reads and writes memory. */
const turnMs = 600_000;

/**
 * Processes that build, save and destroy domains, one operation at a time each, because building blocks the thread.
 *
 *     open -> closed
 *
 * run:   open; waits for a free process, in order of asking, and starts one when there are fewer than the limit. DeadlineError
 *        when none has been free for ten minutes.
 * close: what waits is refused; the processes end what they have begun, and then themselves. Idempotent.
 */
export class OperationPool {
  readonly #loop: Loop;
  readonly #options: PoolOptions;
  readonly #idle: Member[] = [];
  readonly #waiting: Deferred[] = [];
  #taken = 0;
  #closed = false;

  constructor(loop: Loop, options: PoolOptions) {
    this.#loop = loop;
    this.#options = options;
  }

  /** Operations that wait for a process. */
  get waiting(): number {
    return this.#waiting.length;
  }

  async run<T>(operation: (client: ContextClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      for (;;) {
        const idle = this.#idle.pop();
        const member = idle ?? (await this.#start());
        try {
          return await operation(member.client);
        } catch (error) {
          // It had ended while it had nothing to do, and nobody had noticed.
          if (idle === undefined || !(error instanceof ProcessEndedError) || error.begun) throw error;
        } finally {
          if (this.#closed) member.client.close();
          else if (!member.client.isGone) this.#idle.push(member);
        }
      }
    } finally {
      this.#taken--;
      this.#waiting.shift()?.resolve();
    }
  }

  close(): void {
    this.#closed = true;
    for (const turn of this.#waiting.splice(0)) turn.reject(new StateError("the pool was closed"));
    for (const { client } of this.#idle.splice(0)) client.close();
  }

  /** Resolves when fewer than the limit are at work. */
  async #turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closed) throw new StateError("the pool was closed");
    if (this.#taken++ < this.#options.limit) return;
    const turn = new Deferred();
    this.#waiting.push(turn);
    const giveUp = (reason: unknown): void => {
      const index = this.#waiting.indexOf(turn);
      if (index >= 0) this.#waiting.splice(index, 1);
      turn.reject(reason);
    };
    const abort = (): void => giveUp(signal?.reason);
    const late = (): void => giveUp(new DeadlineError(`no process of libxl's has been free for ${turnMs / 1_000} s`));
    const timeout = this.#loop.timeout(this.#loop.now() + turnMs, late, {
      name: "the turn of an operation of libxl's",
    });
    signal?.addEventListener("abort", abort);
    try {
      await turn.promise;
    } catch (error) {
      this.#taken--;
      throw error;
    } finally {
      timeout.remove();
      signal?.removeEventListener("abort", abort);
    }
  }

  async #start(): Promise<Member> {
    const process = await this.#options.launch("operations");
    const client = new ContextClient(this.#loop, process.transport, {
      onEvent: () => {},
      onLog: this.#options.onLog,
      onGone: () => this.#forget(client),
      onStuck: () => process.kill(),
    });
    await client.ready.promise;
    return { process, client };
  }

  /** One that ended while it had nothing to do. */
  #forget(client: ContextClient): void {
    const index = this.#idle.findIndex((member) => member.client === client);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}
