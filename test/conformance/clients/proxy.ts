import { closeSync } from "node:fs";
import type { Loop } from "../../../src/event/index.ts";
import { connectUnix, listenUnix, type UnixListener, type UnixTransport } from "../../../src/os/index.ts";
import { type Call, MessageType, type Procedure, remote, Status, WireError } from "../../../src/protocol/index.ts";
import { type Frame, Framer } from "../../../src/rpc/index.ts";
import { decode } from "../../../src/xdr/index.ts";

/** A call that has passed, and what became of it. */
export interface RecordedCall {
  /** Of the client, from 1, in the order of their coming. */
  readonly connection: number;
  /** Of the row; or "procedure N of program P". */
  readonly name: string;
  readonly args: unknown;
  /** Absent while nobody has answered. */
  outcome?: { readonly ret: unknown } | { readonly error: WireError };
}

/** An event that has passed. */
export interface RecordedEvent {
  readonly connection: number;
  readonly name: string;
  readonly message: unknown;
}

/**
 * Stands between clients and a daemon, and writes down what they say to each other. Bytes and descriptors pass as they
 * came, before anybody looks at them.
 *
 *     open -> closed
 */
export class Proxy {
  readonly calls: RecordedCall[] = [];
  readonly events: RecordedEvent[] = [];
  readonly #loop: Loop;
  readonly #upstream: string;
  readonly #listener: UnixListener;
  readonly #open = new Set<UnixTransport>();
  #count = 0;

  constructor(loop: Loop, path: string, upstream: string) {
    this.#loop = loop;
    this.#upstream = upstream;
    this.#listener = listenUnix(loop, path, {}, (transport) => this.#accept(transport));
  }

  async close(): Promise<void> {
    for (const transport of this.#open) transport.close();
    this.#listener.close();
    await this.#listener.closed;
  }

  #accept(client: UnixTransport): void {
    const connection = ++this.#count;
    const server = connectUnix(this.#loop, this.#upstream);
    const waiting = new Map<string, { call: RecordedCall; row: Call | undefined }>();
    this.#join(client, server, ({ header, payload }) => {
      if (header.type !== MessageType.call && header.type !== MessageType.callWithFds) return;
      if (header.program === keepaliveProgram) return;
      const found = rowOf(header.program, header.procedure);
      const row = found?.row.kind === "call" ? found.row : undefined;
      const name = found?.name ?? `procedure ${header.procedure} of program ${header.program}`;
      const call: RecordedCall = { connection, name, args: row && decode<unknown>(row.args, payload) };
      this.calls.push(call);
      waiting.set(keyOf(header), { call, row });
    });
    this.#join(server, client, ({ header, payload }) => {
      if (header.type === MessageType.message) {
        const found = rowOf(header.program, header.procedure);
        if (found?.row.kind !== "event") return;
        this.events.push({ connection, name: found.name, message: decode<unknown>(found.row.message, payload) });
      }
      if (header.type !== MessageType.reply && header.type !== MessageType.replyWithFds) return;
      const answered = waiting.get(keyOf(header));
      waiting.delete(keyOf(header));
      if (answered === undefined) return;
      const { call, row } = answered;
      if (header.status === Status.error) call.outcome = { error: decode(WireError, payload) };
      else call.outcome = { ret: row && decode<unknown>(row.ret, payload) };
    });
  }

  /** One direction. */
  #join(from: UnixTransport, to: UnixTransport, onFrame: (frame: Frame) => void): void {
    const framer = new Framer();
    this.#open.add(from);
    from.open({
      onData: (bytes, fds) => {
        // Descriptors have come with the last byte, and libvirt's library wants them with a byte of their own.
        const own = fds.length === 0 ? bytes.length : bytes.length - 1;
        to.send(bytes.subarray(0, own));
        if (fds.length > 0) to.send(bytes.subarray(own), fds);
        for (const fd of fds) closeSync(fd);
        // A copy: a message that comes in parts is read later.
        framer.push(bytes.slice());
        for (let frame = framer.next(); frame !== undefined; frame = framer.next()) onFrame(frame);
      },
      onClose: () => {
        this.#open.delete(from);
        to.close();
      },
    });
  }
}

const keepaliveProgram = 0x6b65_6570;

const rows: ReadonlyMap<number, { readonly name: string; readonly row: Procedure }> = new Map(
  Object.entries<Procedure>(remote.procedures).map(([name, row]) => [row.number, { name, row }]),
);

function rowOf(program: number, procedure: number) {
  return program === remote.number ? rows.get(procedure) : undefined;
}

function keyOf({ program, procedure, serial }: Frame["header"]): string {
  return `${program} ${procedure} ${serial}`;
}
