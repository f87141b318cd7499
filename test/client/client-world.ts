import { Connection, type ConnectionOptions, type Connector } from "../../src/client/index.ts";
import type { Transport, TransportListener } from "../../src/event/index.ts";
import { virtwright } from "../../src/protocol/index.ts";
import { pairInMemory } from "../../src/rpc/index.ts";
import { Serving } from "../daemon/serving.ts";

/** The library over a daemon with the fake driver, in memory and in virtual time. */
export class ClientWorld {
  readonly serving = new Serving({ keep: 100 });
  /** Transports that the library was given, the last one at the end. */
  readonly transports: Transport[] = [];
  /** Reaching the server fails with this. */
  refusal: Error | undefined;
  /** The server does not know our own program: somebody else's. */
  foreign = false;

  connector(): Connector {
    const { loop } = this.serving.world;
    return {
      loop,
      name: "fake:///default",
      connect: async () => {
        if (this.refusal !== undefined) throw this.refusal;
        const [near, far] = pairInMemory(loop);
        this.serving.daemon.accept(near);
        this.transports.push(near);
        return this.foreign ? new ForeignTransport(far) : far;
      },
    };
  }

  open(options: ConnectionOptions = {}): Promise<Connection> {
    return this.settle(Connection.open(this.connector(), { keepalive: "off", ...options }));
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.serving.settle(promise);
  }

  /** Cuts the connection that is in use, as a server that dies does. */
  cut(): void {
    this.transports.at(-1)?.close(new Error("cut"));
    this.serving.world.run();
  }

  /** Turns and lets promises go on, until nothing more comes of it. */
  async rest(): Promise<void> {
    for (let rounds = 0; rounds < 60; rounds++) {
      this.serving.world.run();
      await Promise.resolve();
    }
  }
}

/** To the server our own program has a number that nobody knows. Messages come and go whole, as they do in memory. */
class ForeignTransport implements Transport {
  readonly #inner: Transport;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  get backlog(): number {
    return this.#inner.backlog;
  }

  open(listener: TransportListener): void {
    const onData = (bytes: Uint8Array, fds: readonly number[]): void =>
      listener.onData(renumbered(bytes, unknown, virtwright.number), fds);
    this.#inner.open({ onData, onDrain: () => listener.onDrain?.(), onClose: (cause) => listener.onClose(cause) });
  }

  send(bytes: Uint8Array): void {
    this.#inner.send(renumbered(bytes, virtwright.number, unknown));
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  close(cause?: Error): void {
    this.#inner.close(cause);
  }
}

const unknown = 0x1234_5678;

function renumbered(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (let at = 0; at + 8 <= copy.length; at += view.getUint32(at)) {
    if (view.getUint32(at + 4) === from) view.setUint32(at + 4, to);
  }
  return copy;
}
