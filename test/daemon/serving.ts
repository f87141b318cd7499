import assert from "node:assert/strict";
import { Daemon, type DaemonOptions, type LogEntry, type Origin } from "../../src/daemon/index.ts";
import { type Client, MessageType, remote, Status, WireError } from "../../src/protocol/index.ts";
import {
  type CallOptions,
  Connection,
  clientOf,
  decodeEvent,
  pairInMemory,
  type ReceivedEvent,
  type Stream,
} from "../../src/rpc/index.ts";
import { type Codec, decode } from "../../src/xdr/index.ts";
import { nothing, RawEnd, World } from "../rpc/world.ts";
import { FakeDriver } from "./fake-driver.ts";

type RemoteTable = typeof remote.procedures;

/** A client as a program would use it, with the events that came. */
export interface TestClient {
  readonly connection: Connection;
  readonly call: Client<RemoteTable, CallOptions, Stream>;
  readonly events: (ReceivedEvent<RemoteTable> | undefined)[];
  /** Once the connection is over. */
  readonly closed: (Error | undefined)[];
}

/** A daemon over the fake driver, in memory and in virtual time. */
export class Serving {
  readonly world = new World();
  readonly driver: FakeDriver;
  readonly log: LogEntry[] = [];
  readonly daemon: Daemon;

  /** `keep`: how many events stay in the journal. */
  constructor({ keep, ...options }: Omit<DaemonOptions, "drivers" | "log"> & { readonly keep?: number } = {}) {
    this.driver = new FakeDriver(keep);
    const log = (entry: LogEntry): void => {
      this.log.push(entry);
    };
    this.daemon = new Daemon(this.world.loop, { ...options, drivers: [this.driver], log });
  }

  /** A client that has sent nothing yet, byte by byte. */
  raw(origin?: Origin): RawEnd {
    const [near, far] = pairInMemory(this.world.loop);
    this.daemon.accept(near, origin);
    return new RawEnd(far);
  }

  /** A client that has said nothing yet. */
  connect(origin?: Origin): TestClient {
    const [near, far] = pairInMemory(this.world.loop);
    this.daemon.accept(near, origin);
    const connection = new Connection(this.world.loop, far);
    const events: (ReceivedEvent<RemoteTable> | undefined)[] = [];
    const closed: (Error | undefined)[] = [];
    connection.open({
      onEvent: (frame) => events.push(decodeEvent(remote, frame)),
      onClose: (cause) => closed.push(cause),
    });
    return { connection, call: clientOf(connection, remote), events, closed };
  }

  /** A client with an open hypervisor connection. */
  async open(origin?: Origin, flags = 0): Promise<TestClient> {
    const client = this.connect(origin);
    await this.settle(client.call.authList({}));
    await this.settle(client.call.connectOpen({ name: "fake:///default", flags }));
    return client;
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.world.settle(promise);
  }

  /** Sends a call of any kind and returns the error that it is answered with; undefined for a result. */
  async ask<T>(raw: RawEnd, header: Parameters<RawEnd["send"]>[0], codec?: Codec<T>, value?: T) {
    raw.take();
    if (codec === undefined) raw.send(header, nothing, {});
    else raw.send(header, codec, value as T);
    // A handler of the fake driver may need a few rounds of promises.
    for (let rounds = 0; rounds < 10 && raw.received.length === 0; rounds++) {
      this.world.run();
      await Promise.resolve();
    }
    const [reply] = raw.take();
    assert.ok(reply !== undefined, "no reply");
    assert.equal(reply.header.type, MessageType.reply);
    assert.deepEqual(
      { ...reply.header, type: MessageType.call, status: Status.ok },
      {
        program: remote.number,
        version: remote.version,
        serial: 0,
        ...header,
        type: MessageType.call,
        status: Status.ok,
      },
    );
    return reply.header.status === Status.error ? decode(WireError, reply.payload) : undefined;
  }
}
