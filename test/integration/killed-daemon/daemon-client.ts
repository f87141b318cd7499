import { Extensions } from "../../../src/client/index.ts";
import type { Loop } from "../../../src/event/index.ts";
import { connectUnix } from "../../../src/os/index.ts";
import { type Client, qemu, remote, virtwright } from "../../../src/protocol/index.ts";
import {
  type CallOptions,
  Connection,
  clientOf,
  decodeEvent,
  type ReceivedEvent,
  type Stream,
} from "../../../src/rpc/index.ts";

type OwnTable = typeof virtwright.procedures;

/** A connection to the daemon under test. When it ends its calls reject. */
export class DaemonClient implements AsyncDisposable {
  readonly #connection: Connection;
  readonly call: Client<typeof remote.procedures, CallOptions, Stream>;
  readonly own: Client<OwnTable, CallOptions, Stream>;
  readonly monitor: Client<typeof qemu.procedures, CallOptions, Stream>;
  readonly extensions: Extensions;

  private constructor(connection: Connection, extensions: Extensions) {
    this.#connection = connection;
    this.call = clientOf(connection, remote);
    this.own = clientOf(connection, virtwright);
    this.monitor = clientOf(connection, qemu);
    this.extensions = extensions;
  }

  static async open(
    loop: Loop,
    path: string,
    uri: string,
    onEvent: (event: ReceivedEvent<OwnTable>) => void = () => {},
  ): Promise<DaemonClient> {
    const connection = new Connection(loop, connectUnix(loop, path));
    connection.open({
      onEvent: (frame) => {
        const event = decodeEvent(virtwright, frame);
        if (event !== undefined) onEvent(event);
      },
      onClose: () => {},
    });
    const call = clientOf(connection, remote);
    await call.authList({});
    await call.connectOpen({ name: uri, flags: 0 });
    return new DaemonClient(connection, await Extensions.probe(connection));
  }

  get isOpen(): boolean {
    return this.#connection.state === "open";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }
}
