import { closeSync, openSync, readSync } from "node:fs";
import type { Transport } from "../../event/index.ts";
import type { Context, CreateOptions } from "../context.ts";
import type { DomainWatch } from "../domain-watch.ts";
import type { PlainCall } from "../library.ts";
import type { LogLine } from "../log-line.ts";
import { MessageLines } from "./message-lines.ts";
import {
  type Answer,
  type CallName,
  type Calls,
  decodeMessage,
  encodeError,
  encodeMessage,
  type Question,
  type Role,
  rolesCalls,
} from "./wire.ts";

type Handlers = {
  readonly [C in CallName]: (
    args: Calls[C]["args"],
    options: CreateOptions,
  ) => Calls[C]["result"] | Promise<Calls[C]["result"]>;
};

/**
 * Answers what another process asks of our context.
 *
 *     idle -> open -> closed
 *
 * Calls may overlap; each is answered once, when it has ended. When the other side goes, nothing is aborted: what was begun
 * is ended, for half of a domain helps nobody, a domain that was built then is destroyed, as nobody knows of it, and `ended`
 * resolves.
 */
export class ContextServer {
  readonly #context: Context;
  readonly #role: Role;
  readonly #transport: Transport;
  readonly #lines = new MessageLines();
  readonly #watches = new Map<number, DomainWatch>();
  readonly #calls = new Map<number, AbortController>();
  readonly #handlers: Handlers;
  readonly ended: Promise<void>;
  #isGone = false;
  #end: () => void = () => {};

  constructor(context: Context, role: Role, transport: Transport) {
    this.#context = context;
    this.#role = role;
    this.#transport = transport;
    this.#handlers = this.#handlersOf(context);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  open(): void {
    this.#transport.open({
      onData: (bytes) => {
        for (const line of this.#lines.push(bytes)) this.#hear(decodeMessage(line) as Question);
      },
      onClose: () => {
        this.#isGone = true;
        for (const watch of this.#watches.values()) watch.remove();
        this.#endIfIdle();
      },
    });
    this.#tell({ type: "ready", version: this.#context.version });
  }

  log(line: LogLine): void {
    this.#tell({ type: "log", line });
  }

  #tell(answer: Answer): void {
    if (!this.#isGone) this.#transport.send(encodeMessage(answer));
  }

  #hear(question: Question): void {
    if (question.type === "abort") return this.#calls.get(question.id)?.abort(new Error(question.reason));
    void this.#answer(question);
  }

  async #answer({ id, call, args, timeoutMs }: Question & { type: "call" }): Promise<void> {
    if (this.#role === "operations") this.#tell({ type: "begun", id });
    const controller = new AbortController();
    this.#calls.set(id, controller);
    const onConsole = (domid: number): void => this.#tell({ type: "console", id, domid });
    const options = { signal: controller.signal, onConsole, ...(timeoutMs !== undefined && { timeoutMs }) };
    try {
      if (!rolesCalls[this.#role].has(call)) throw new Error(`a process for ${this.#role} does not ${call}`);
      const handler = this.#handlers[call] as (args: readonly unknown[], options: CreateOptions) => unknown;
      this.#tell({ type: "result", id, result: (await handler(args, options)) ?? null });
    } catch (error) {
      this.#tell({ type: "error", id, error: encodeError(error) });
    }
    this.#calls.delete(id);
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (this.#isGone && this.#calls.size === 0) this.#end();
  }

  async #handOver(domid: number): Promise<number> {
    if (this.#isGone) await this.#context.destroy(domid);
    return domid;
  }

  #handlersOf(xen: Context): Handlers {
    const plain =
      (call: PlainCall) =>
      async ([domid]: readonly [number], options: CreateOptions): Promise<null> => {
        await xen[call](domid, options);
        return null;
      };
    return {
      domains: () => xen.domains(),
      domain: ([domid]) => xen.domain(domid) ?? null,
      nameOf: ([domid]) => xen.nameOf(domid) ?? null,
      consolePath: ([domid]) => xen.consolePath(domid),
      vcpus: ([domid]) => xen.vcpus(domid),
      pinVcpu: ([domid, vcpu, cpus]) => {
        xen.pinVcpu(domid, vcpu, cpus);
        return null;
      },
      setMemoryTarget: ([domid, kib]) => {
        xen.setMemoryTarget(domid, kib);
        return null;
      },
      shiftMemoryTarget: ([domid, kib]) => xen.shiftMemoryTarget(domid, kib),
      neededMemory: ([config]) => xen.neededMemory(config),
      commandLine: () => xen.commandLine(),
      physical: () => xen.physical(),
      topology: () => xen.topology(),
      scheduler: () => xen.scheduler(),
      schedule: ([domid]) => xen.schedule(domid),
      setSchedule: ([domid, parameters]) => {
        xen.setSchedule(domid, parameters);
        return null;
      },
      pause: plain("pause"),
      unpause: plain("unpause"),
      resume: plain("resume"),
      shutdown: plain("shutdown"),
      pressPowerButton: plain("pressPowerButton"),
      reboot: plain("reboot"),
      destroy: plain("destroy"),
      watch: ([watch, domid]) => {
        const tell = xen.watchDomain(domid, (event) => this.#tell({ type: "event", watch, event }));
        this.#watches.set(watch, tell);
        return null;
      },
      unwatch: ([watch]) => {
        this.#watches.get(watch)?.remove();
        this.#watches.delete(watch);
        return null;
      },
      create: async ([config], options) => this.#handOver(await xen.create(config, options)),
      restore: async ([config, path, skip], options) =>
        this.#handOver(await withFile(path, "r", skip, (fd) => xen.restore(config, fd, options))),
      save: ([domid, path, live, skip], options) =>
        withFile(path, skip === 0 ? "w" : "r+", skip, async (fd) => {
          await xen.save(domid, fd, { ...options, live });
          return null;
        }),
      dump: async ([domid, path], options) => {
        await xen.dump(domid, path, options);
        return null;
      },
      setVcpus: async ([domid, count], options) => {
        await xen.setVcpus(domid, count, options);
        return null;
      },
      addDevice: async ([domid, kind, device], options) => {
        await xen.addDevice(domid, kind, device, options);
        return null;
      },
      removeDevice: async ([domid, kind, name], options) => {
        await xen.removeDevice(domid, kind, name, options);
        return null;
      },
      configuration: ([domid], options) => xen.configuration(domid, options),
    };
  }
}

/** libxl goes on where the descriptor stands: behind the first `skip` bytes. */
async function withFile<T>(
  path: string,
  flags: "r" | "w" | "r+",
  skip: number,
  action: (fd: number) => Promise<T>,
): Promise<T> {
  const fd = openSync(path, flags, 0o600);
  try {
    const passed = Buffer.alloc(65_536);
    for (let left = skip; left > 0; ) {
      const count = readSync(fd, passed, 0, Math.min(left, passed.length), null);
      if (count === 0) throw new Error(`${path} is shorter than ${skip} bytes`);
      left -= count;
    }
    return await action(fd);
  } finally {
    closeSync(fd);
  }
}
