import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OverflowError, StateError, type Transport, type TransportListener } from "../../src/event/index.ts";
import {
  ErrorCode,
  headerLength,
  MessageType,
  qemu,
  remote,
  Status,
  VirError,
  WireError,
} from "../../src/protocol/index.ts";
import { Connection, type ConnectionOptions, Framer, type IncomingCall } from "../../src/rpc/index.ts";
import { decode, ProtocolError } from "../../src/xdr/index.ts";
import { message, nothing, World } from "./world.ts";

const rows = remote.procedures;
const dom = { name: "hello", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 7 };
const associate = { dom, name: "disk", flags: 0 };
const oneByte = new Uint8Array(1);

/** A transport on which the test is the peer. Descriptors are numbers here, and nobody opens or closes any. */
class Hand implements Transport {
  readonly backlog = 0;
  readonly sent: [Uint8Array, readonly number[]][] = [];
  listener: TransportListener | undefined;
  open(listener: TransportListener): void {
    this.listener = listener;
  }
  send(bytes: Uint8Array, fds: readonly number[] = []): void {
    this.sent.push([bytes, fds]);
  }
  pause(): void {}
  resume(): void {}
  close(cause?: Error): void {
    this.listener?.onClose(cause);
  }
  hand(bytes: Uint8Array, ...fds: number[]): void {
    this.listener?.onData(bytes, fds);
  }
}

function serve(options: ConnectionOptions = {}) {
  const world = new World();
  const transport = new Hand();
  const released: number[] = [];
  const calls: IncomingCall[] = [];
  const closed: (Error | undefined)[] = [];
  const releaseFds = (fds: readonly number[]): unknown => released.push(...fds);
  const server = new Connection(world.loop, transport, { passesFds: true, releaseFds, ...options });
  server.open({ onCall: (call) => calls.push(call), onClose: (cause) => closed.push(cause) });
  return { world, transport, released, calls, closed, server };
}

function connect(options: ConnectionOptions = {}) {
  const world = new World();
  const transport = new Hand();
  const released: number[] = [];
  const releaseFds = (fds: readonly number[]): unknown => released.push(...fds);
  const connection = new Connection(world.loop, transport, { passesFds: true, releaseFds, ...options });
  connection.open({ onClose: () => {} });
  return { world, transport, released, connection };
}

function callWith(serial: number, fds: number): Uint8Array {
  const header = { procedure: rows.domainFdAssociate.number, serial, type: MessageType.callWithFds };
  return message(header, rows.domainFdAssociate.args, associate, fds);
}

describe("descriptors that come with a call", () => {
  it("are whoever's takes them", () => {
    const { transport, released, calls } = serve();
    transport.hand(callWith(1, 2));
    assert.equal(calls.length, 0, "their bytes have not come");
    transport.hand(oneByte, 7);
    transport.hand(oneByte, 8);
    const [call] = calls;
    assert.equal(call?.fdCount, 2);
    assert.deepEqual(call.takeFds(), [7, 8]);
    assert.deepEqual(call.takeFds(), []);
    assert.deepEqual(decode(rows.domainFdAssociate.args, call.args), associate);
    call.reply(nothing, {});
    assert.deepEqual(released, []);
  });

  it("are closed when the call is answered and nobody has taken them", () => {
    const { transport, released, calls } = serve();
    for (const serial of [1, 2]) {
      transport.hand(callWith(serial, 1));
      transport.hand(oneByte, serial);
    }
    assert.deepEqual(released, []);
    calls[0]?.reply(nothing, {});
    calls[1]?.fail(VirError.of(ErrorCode.noSupport, 0, "virDomainFDAssociate"));
    assert.deepEqual(released, [1, 2]);
  });

  it("are closed when the call is never handed on, or nobody takes calls", () => {
    const { transport, released, server } = serve({ callsUnderWay: 1 });
    for (const serial of [1, 2, 3]) {
      transport.hand(callWith(serial, 1));
      transport.hand(oneByte, serial);
    }
    server.close();
    assert.deepEqual(released, [2, 3]);
    const client = connect();
    client.transport.hand(callWith(1, 1));
    client.transport.hand(oneByte, 9);
    assert.deepEqual(client.released, [9]);
  });

  it("are closed when they belong to no message", () => {
    const { transport, released, calls, server } = serve();
    transport.hand(message({ procedure: 3, serial: 1 }, nothing, {}), 1);
    transport.hand(callWith(2, 1), 2);
    transport.hand(oneByte, 3, 4);
    assert.deepEqual(released, [1, 2, 4]);
    transport.hand(callWith(3, 0));
    transport.hand(message({ procedure: 3, serial: 4, type: MessageType.replyWithFds }, nothing, {}, 1));
    transport.hand(oneByte, 5);
    assert.deepEqual(released, [1, 2, 4, 5]);
    assert.deepEqual(
      calls.map((call) => call.takeFds()),
      [[], [3], []],
    );
    assert.equal(server.state, "open");
  });

  it("may be fewer than announced, and the place in the bytes is kept", () => {
    const { transport, calls } = serve();
    transport.hand(Buffer.concat([callWith(1, 2), oneByte]));
    transport.hand(Buffer.concat([oneByte, message({ procedure: 3, serial: 2 }, nothing, {})]));
    assert.deepEqual(
      calls.map((call) => [call.header.serial, call.takeFds()]),
      [
        [1, []],
        [2, []],
      ],
    );
  });

  it("end the connection when they are too many for one message, before it is there", () => {
    const { transport, released, closed } = serve();
    const bytes = callWith(1, 32);
    const fds = Array.from({ length: 33 }, (_, index) => index);
    for (const fd of fds) transport.hand(bytes.subarray(fd, fd + 1), fd);
    assert.ok(closed[0] instanceof ProtocolError);
    assert.deepEqual(released, fds);
  });

  it("end the connection when too many are with calls under way", () => {
    const { transport, released, closed, calls } = serve({ fdsUnderWay: 3 });
    for (const serial of [1, 2]) {
      transport.hand(callWith(serial, 2));
      transport.hand(new Uint8Array(2), serial * 10, serial * 10 + 1);
    }
    assert.ok(closed[0] instanceof OverflowError);
    assert.deepEqual(released, [20, 21]);
    calls[0]?.reply(nothing, {});
    assert.deepEqual(released, [20, 21, 10, 11]);
  });

  it("count no more when they were taken", () => {
    const { transport, calls, server } = serve({ fdsUnderWay: 1 });
    for (const serial of [1, 2, 3]) {
      transport.hand(callWith(serial, 1));
      transport.hand(oneByte, serial);
      calls.at(-1)?.takeFds();
    }
    assert.equal(server.state, "open");
  });

  it("are closed when they come after the end", () => {
    const { transport, released, server } = serve();
    server.end();
    transport.hand(oneByte, 5);
    assert.deepEqual(released, [5]);
  });
});

describe("descriptors passed with a message of ours", () => {
  /** What was sent: whole messages as their type and serial, bytes with descriptors as those. */
  function sentBy({ sent }: Hand): unknown[] {
    return sent.splice(0).map(([bytes, fds]) => {
      if (fds.length > 0) return [bytes.length, ...fds];
      const framer = new Framer();
      framer.push(Buffer.concat([bytes, new Uint8Array(32)]));
      return framer.next()?.header.type;
    });
  }

  it("follow a call, a byte for each", async () => {
    const { world, transport, connection } = connect();
    const calling = connection.call(remote, "domainFdAssociate", associate, { fds: [4, 5] });
    world.run();
    assert.deepEqual(sentBy(transport), [MessageType.callWithFds, [1, 4], [1, 5]]);
    const { number } = rows.domainFdAssociate;
    transport.hand(message({ procedure: number, serial: 0, type: MessageType.reply }, nothing, {}));
    await world.settle(calling);
  });

  it("follow a reply, after what was sent before it", () => {
    const { transport, calls, server } = serve();
    transport.hand(
      message({ procedure: rows.domainOpenGraphicsFd.number }, rows.domainOpenGraphicsFd.args, {
        dom,
        idx: 0,
        flags: 0,
      }),
    );
    for (let count = 0; count < 3; count++)
      server.sendEvent(remote, "domainEventLifecycle", { dom, event: 2, detail: 0 });
    calls[0]?.reply(nothing, {}, [6]);
    const sent = sentBy(transport);
    assert.deepEqual(sent.slice(-1), [[1, 6]]);
    assert.ok(sent.length >= 2);
  });

  it("are refused where the transport cannot pass them", async () => {
    const { world, transport, connection } = connect({ passesFds: false });
    await assert.rejects(
      world.settle(connection.call(remote, "domainFdAssociate", associate, { fds: [4] })),
      StateError,
    );
    assert.deepEqual(transport.sent, []);
    const { transport: other, calls } = serve({ passesFds: false });
    other.hand(message({ procedure: 3 }, nothing, {}));
    calls[0]?.reply(nothing, {}, [6]);
    const [[bytes] = assert.fail()] = other.sent;
    const { message: text } = decode(WireError, bytes.subarray(headerLength));
    assert.match(text ?? "", /^Operation not supported: descriptors cannot be passed/);
  });

  it("are at most as many as a message can have", async () => {
    const { world, connection } = connect();
    const fds = Array<number>(33).fill(4);
    await assert.rejects(world.settle(connection.call(remote, "domainFdAssociate", associate, { fds })), ProtocolError);
  });
});

describe("descriptors that come with a reply", () => {
  const header = { program: qemu.number, procedure: 7, serial: 0, type: MessageType.replyWithFds };
  const { ret } = qemu.procedures.domainMonitorCommandWithFiles;
  const args = { dom, cmd: "{}", flags: 0 };

  it("are the caller's who has asked for them", async () => {
    const { world, transport, released, connection } = connect();
    const calling = connection.callForFds(qemu, "domainMonitorCommandWithFiles", args);
    world.run();
    transport.hand(message(header, ret, { result: "ok" }, 1));
    transport.hand(oneByte, 7);
    assert.deepEqual(await world.settle(calling), { ret: { result: "ok" }, fds: [7] });
    assert.deepEqual(released, []);
  });

  it("are none when the reply has none", async () => {
    const { world, transport, connection } = connect();
    const calling = connection.callForFds(qemu, "domainMonitorCommandWithFiles", args);
    world.run();
    transport.hand(message({ ...header, type: MessageType.reply }, ret, { result: "ok" }));
    assert.deepEqual(await world.settle(calling), { ret: { result: "ok" }, fds: [] });
  });

  const error = VirError.of(ErrorCode.noSupport, 0, "x").toWire();
  const unwanted: [string, boolean, Uint8Array][] = [
    ["nobody has asked for them", false, message(header, ret, { result: "ok" }, 1)],
    ["the reply does not fit", true, message(header, nothing, {}, 1)],
    ["the reply is an error", true, message({ ...header, status: Status.error }, WireError, error, 1)],
  ];
  for (const [what, asked, reply] of unwanted) {
    it(`are closed when ${what}`, async () => {
      const { world, transport, released, connection } = connect();
      const calling = asked
        ? connection.callForFds(qemu, "domainMonitorCommandWithFiles", args)
        : connection.call(qemu, "domainMonitorCommandWithFiles", args);
      const settled = Promise.allSettled<unknown>([calling]);
      world.run();
      transport.hand(reply);
      transport.hand(oneByte, 7);
      await world.settle(settled);
      assert.deepEqual(released, [7]);
    });
  }

  it("are closed when the call was given up", async () => {
    const { world, transport, released, connection } = connect();
    const calling = connection.callForFds(qemu, "domainMonitorCommandWithFiles", args, { timeoutMs: 5 });
    const rejected = assert.rejects(calling, { code: ErrorCode.operationTimeout });
    world.pass(5);
    await world.settle(rejected);
    transport.hand(message(header, ret, { result: "ok" }, 1));
    transport.hand(oneByte, 7);
    assert.deepEqual(released, [7]);
  });
});
