import { Loop, type Transport } from "../../src/event/index.ts";
import { encodeMessage, type Header, MessageType, remote, Status } from "../../src/protocol/index.ts";
import { type Frame, Framer } from "../../src/rpc/index.ts";
import { SimHost, SimKernel } from "../../src/testkit/index.ts";
import { type Codec, struct } from "../../src/xdr/index.ts";

/** A loop in virtual time, turned by the test. */
export class World {
  readonly host = new SimHost(new SimKernel());
  /** What callbacks threw; a test that ends with something here has failed to look. */
  readonly errors: unknown[] = [];
  readonly loop = new Loop(this.host, { onError: (error) => this.errors.push(error) });

  /** Turns until nothing is left to do now. */
  run(): void {
    this.host.runUntilIdle();
  }

  /** Lets time pass, with all the turns that it brings. */
  pass(ms: number): void {
    this.host.runUntil(this.host.now() + ms);
  }

  /** Turns and promises in alternation until this one has settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const onSettled = (): void => {
      settled = true;
    };
    promise.then(onSettled, onSettled);
    for (let rounds = 0; !settled; rounds++) {
      if (rounds === 1_000) throw new Error("the promise does not settle");
      this.run();
      await Promise.resolve();
    }
    this.run();
    return promise;
  }
}

export const nothing = struct("nothing", {});

/** The other end of a connection, byte by byte: sends what it is told to, and keeps what comes. */
export class RawEnd {
  readonly received: Frame[] = [];
  /** Once the connection is over. */
  closed: { readonly cause: Error | undefined } | undefined;
  readonly transport: Transport;
  readonly #framer = new Framer();

  constructor(transport: Transport) {
    this.transport = transport;
    transport.open({
      onData: (bytes) => {
        this.#framer.push(bytes);
        for (let frame = this.#framer.next(); frame !== undefined; frame = this.#framer.next())
          this.received.push(frame);
      },
      onClose: (cause) => {
        this.closed = { cause };
      },
    });
  }

  /** Sends a message of the REMOTE program, a call unless `header` says otherwise. */
  send<T>(header: Partial<Header>, codec: Codec<T>, value: T): void {
    this.transport.send(message(header, codec, value));
  }

  /** What has come since the last time. */
  take(): Frame[] {
    return this.received.splice(0);
  }
}

export function message<T>(header: Partial<Header>, codec: Codec<T>, value: T, fds = 0): Uint8Array {
  const whole = {
    program: remote.number,
    version: remote.version,
    procedure: 0,
    type: MessageType.call,
    serial: 0,
    status: Status.ok,
    ...header,
  };
  return encodeMessage(whole, codec, value, fds);
}
