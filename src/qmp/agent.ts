import { Deferred, type Loop, StateError, type Timeout, type Transport } from "../event/index.ts";
import { CommandError, MonitorClosedError } from "./errors.ts";
import { LineSplitter } from "./line-splitter.ts";
import { isObject, type JsonObject } from "./message.ts";

declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** The agent has not answered in time, or what it is asked for is not possible now. */
export class AgentUnresponsiveError extends Error {
  override readonly name = "AgentUnresponsiveError";
}

export interface AgentOptions {
  /** Once and last, whoever ended the connection. */
  readonly onClose?: (cause: Error) => void;
  /** How long it may take to find its way back into step. Default 5,000. */
  readonly syncMs?: number;
}

interface Request {
  readonly command: string;
  readonly args: JsonObject;
  readonly timeoutMs: number;
  readonly reply: Deferred<unknown>;
  /** A command after which the guest may not be there to answer. */
  readonly mayVanish: boolean;
}

/** Longest line taken from the guest, which is nobody's friend, in bytes. */
const lineLimit = 10 * 1024 * 1024;
/** The agent sends it before the answer to `guest-sync-delimited`; what stands before it is of the past. */
const sentinel = 0xff;

/**
 * A connection to the agent in a guest.
 *
 *     idle -> open -> closed
 *
 * open:    idle -> open.
 * execute: open; one command at a time, the others wait in line for their turn, each with its own deadline.
 * close:   any -> closed; idempotent. What is pending and waiting fails at once.
 *
 * The agent's answers have no ids. So before the first command, and after each that was not answered in time, it is told
 * a number that only its answer to that can contain, and everything before that answer is dropped: a late answer is
 * never taken for that of another command.
 */
export class Agent {
  readonly #loop: Loop;
  readonly #transport: Transport;
  readonly #options: AgentOptions;
  readonly #encoder = new TextEncoder();
  readonly #waiting: Request[] = [];
  #lines = new LineSplitter(lineLimit);
  #state: "idle" | "open" | "closed" = "idle";
  #cause: Error | undefined;
  #current: Request | undefined;
  #timeout: Timeout | undefined;
  /** In step: the next answer is that of the next command. */
  #isInStep = false;
  #syncId = 0;
  #step: "free" | "syncing" | "asking" = "free";

  constructor(loop: Loop, transport: Transport, options: AgentOptions = {}) {
    this.#loop = loop;
    this.#transport = transport;
    this.#options = options;
  }

  get state(): "idle" | "open" | "closed" {
    return this.#state;
  }

  open(): void {
    if (this.#state !== "idle") throw new StateError(`the agent's connection is ${this.#state}: it can be opened once`);
    this.#state = "open";
    this.#transport.open({
      onData: (bytes) => this.#receive(bytes),
      onClose: (cause) => this.close(new MonitorClosedError("the agent's channel was closed", { cause })),
    });
  }

  /**
   * Rejects with CommandError when the agent refuses it, AgentUnresponsiveError when it does not answer (in time: in
   * line, to get into step, and for the answer itself), or what closed the connection. With `mayVanish` no answer is
   * waited for longer than the agent may take, and that it does not come is no error: the result is undefined then.
   */
  execute(
    command: string,
    args: JsonObject,
    options: { readonly timeoutMs: number; readonly mayVanish?: boolean },
  ): Promise<unknown> {
    const { timeoutMs, mayVanish = false } = options;
    const reply = new Deferred<unknown>();
    const request: Request = { command, args, timeoutMs, reply, mayVanish };
    if (this.#state === "closed") reply.reject(this.#cause);
    else if (this.#state === "idle") reply.reject(new StateError("the agent's connection is not open: open it first"));
    else {
      this.#waiting.push(request);
      this.#expireInLine(request);
      this.#next();
    }
    return reply.promise;
  }

  close(cause: Error = new MonitorClosedError("the agent's connection was closed")): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#cause = cause;
    this.#timeout?.remove();
    this.#transport.close();
    for (const { reply, mayVanish } of [this.#current, ...this.#waiting].filter((each) => each !== undefined)) {
      if (mayVanish && reply === this.#current?.reply) reply.resolve(undefined);
      else reply.reject(cause);
    }
    this.#current = undefined;
    this.#waiting.length = 0;
    this.#options.onClose?.(cause);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Who waits behind a command that lasts has the same patience as if it were asked itself. */
  #expireInLine(request: Request): void {
    if (request.timeoutMs === Infinity) return;
    const timeout = this.#loop.timeout(this.#loop.now() + request.timeoutMs, () => {
      const place = this.#waiting.indexOf(request);
      if (place < 0) return;
      this.#waiting.splice(place, 1);
      request.reply.reject(new AgentUnresponsiveError("the guest agent is busy with another command"));
    });
    request.reply.whenSettled(() => timeout.remove());
  }

  #next(): void {
    if (this.#state !== "open" || this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current === undefined) return;
    if (this.#isInStep) this.#ask(this.#current);
    else this.#sync(this.#current);
  }

  #sync({ timeoutMs }: Request): void {
    this.#step = "syncing";
    this.#syncId++;
    // The agent's own parser is brought out of the middle of whatever it is in.
    this.#transport.send(new Uint8Array([sentinel]));
    this.#write("guest-sync-delimited", { id: this.#syncId });
    this.#wait(Math.min(timeoutMs, this.#options.syncMs ?? 5_000));
  }

  #ask({ command, args, timeoutMs }: Request): void {
    this.#step = "asking";
    this.#write(command, args);
    this.#wait(timeoutMs);
  }

  #write(execute: string, args: JsonObject): void {
    const message = Object.keys(args).length === 0 ? { execute } : { execute, arguments: args };
    this.#transport.send(this.#encoder.encode(`${JSON.stringify(message)}\n`));
  }

  #wait(timeoutMs: number): void {
    this.#timeout?.remove();
    const deadline = timeoutMs === Infinity ? "never" : this.#loop.now() + timeoutMs;
    this.#timeout = this.#loop.timeout(deadline, () => this.#expire());
  }

  #expire(): void {
    const { command, reply, mayVanish } = this.#finish(false) ?? {};
    if (mayVanish === true) reply?.resolve(undefined);
    else reply?.reject(new AgentUnresponsiveError(`the guest agent did not answer ${command} in time`));
    this.#next();
  }

  /** The present request is over; `isInStep`: what comes next is not an answer to it. */
  #finish(isInStep: boolean): Request | undefined {
    const request = this.#current;
    this.#current = undefined;
    this.#step = "free";
    this.#isInStep = isInStep;
    this.#timeout?.remove();
    return request;
  }

  #receive(bytes: Uint8Array): void {
    let rest = bytes;
    // What stood before it, half lines included, is of the past.
    for (let at = rest.lastIndexOf(sentinel); at >= 0; at = -1) {
      this.#lines = new LineSplitter(lineLimit);
      rest = rest.subarray(at + 1);
    }
    try {
      for (const line of this.#lines.push(rest)) {
        if (this.#state !== "open") return;
        this.#understand(line);
      }
    } catch (error) {
      if (!(error instanceof MonitorClosedError)) throw error;
      this.close(error);
    }
  }

  /** A guest may say anything: what is not an answer that is waited for is passed over. */
  #understand(line: string): void {
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      return;
    }
    if (!isObject(json)) return;
    if (this.#step === "syncing" && json["return"] === this.#syncId) this.#synced();
    else if (this.#step === "asking") this.#answered(json);
  }

  #synced(): void {
    this.#isInStep = true;
    if (this.#current !== undefined) this.#ask(this.#current);
  }

  #answered(json: JsonObject): void {
    const { command = "", reply } = this.#finish(true) ?? {};
    const { error } = json;
    if (isObject(error)) reply?.reject(new CommandError(command, String(error["class"]), String(error["desc"])));
    else reply?.resolve(json["return"]);
    this.#next();
  }
}
