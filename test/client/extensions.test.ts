import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Extensions } from "../../src/client/index.ts";
import {
  ErrorCode,
  encodeMessage,
  MessageType,
  remote,
  Status,
  VirError,
  virtwright,
  WireError,
} from "../../src/protocol/index.ts";
import { Connection, clientOf, pairInMemory } from "../../src/rpc/index.ts";
import { Serving, type TestClient } from "../daemon/serving.ts";
import { RawEnd, World } from "../rpc/world.ts";

async function setUp(): Promise<{ serving: Serving; client: TestClient; extensions: Extensions }> {
  const serving = new Serving();
  const client = await serving.open();
  return { serving, client, extensions: await serving.settle(Extensions.probe(client.connection)) };
}

describe("a server of ours", () => {
  it("keeps the deadline of a call itself, and tells the handler", async () => {
    const { serving, client, extensions } = await setUp();
    serving.driver.stuck = new Promise(() => {});
    const dom = serving.driver.define("hello");
    const calling = extensions.run({ timeoutMs: 500 }, (options) =>
      client.call.domainGetMessages({ dom, flags: 0 }, { ...options, timeoutMs: 10_000 }),
    );
    serving.world.run();
    serving.world.pass(600);
    await assert.rejects(serving.settle(calling), {
      code: ErrorCode.operationTimeout,
      message: /domainGetMessages has not ended within 500 ms; what it has begun may still happen/,
    });
    assert.equal(serving.driver.stuckSignal?.aborted, true);
    assert.equal(serving.driver.stuckDeadline, 500);
  });

  it("cancels a call, and leaves the others alone", async () => {
    const { serving, client, extensions } = await setUp();
    let go = (): void => {};
    serving.driver.stuck = new Promise((resolve) => {
      go = resolve;
    });
    const dom = serving.driver.define("hello");
    const abort = new AbortController();
    const messages = (signal: AbortSignal): Promise<unknown> =>
      extensions.run({ signal }, (options) => client.call.domainGetMessages({ dom, flags: 0 }, options));
    const one = messages(abort.signal);
    serving.world.run();
    const signalOfOne = serving.driver.stuckSignal;
    const other = messages(new AbortController().signal);
    serving.world.run();
    abort.abort(new Error("enough"));
    await assert.rejects(serving.settle(one), { message: "enough" });
    assert.equal(signalOfOne?.aborted, true);
    assert.equal(serving.driver.stuckSignal?.aborted, false);
    go();
    assert.deepEqual(await serving.settle(other), { msgs: [] });
  });

  it("does a call with a key once, for whoever sends it again", async () => {
    const { serving, client, extensions } = await setUp();
    const again = await serving.open();
    const others = await serving.settle(Extensions.probe(again.connection));
    const dom = serving.driver.define("hello");
    await serving.settle(extensions.run({ key: "k1" }, (options) => client.call.domainCreate({ dom }, options)));
    await serving.settle(others.run({ key: "k1" }, (options) => again.call.domainCreate({ dom }, options)));
    await assert.rejects(serving.settle(client.call.domainCreate({ dom })), { message: /already running/ });
    const elsewhere = serving.driver.define("other");
    const reused = extensions.run({ key: "k1" }, (options) => client.call.domainCreate({ dom: elsewhere }, options));
    await assert.rejects(serving.settle(reused), { code: ErrorCode.invalidArg, message: /use a new key/ });
  });

  it("joins a call with a key that is still under way", async () => {
    const { serving, client, extensions } = await setUp();
    let go = (): void => {};
    serving.driver.stuck = new Promise((resolve) => {
      go = resolve;
    });
    const dom = serving.driver.define("hello");
    const calls = [1, 2].map(() =>
      extensions.run({ key: "k" }, (options) => client.call.domainGetMessages({ dom, flags: 0 }, options)),
    );
    serving.world.run();
    assert.equal(serving.driver.stuckCalls, 1);
    go();
    assert.deepEqual(await serving.settle(Promise.all(calls)), [{ msgs: [] }, { msgs: [] }]);
  });

  it("goes on with a call that was joined when its first caller leaves", async () => {
    const { serving, client, extensions } = await setUp();
    const again = await serving.open();
    const others = await serving.settle(Extensions.probe(again.connection));
    let giveUp: (reason: unknown) => void = () => {};
    serving.driver.stuck = new Promise((_, reject) => {
      giveUp = reject;
    });
    const dom = serving.driver.define("hello");
    const [first, second] = [
      { run: extensions, call: client.call },
      { run: others, call: again.call },
    ].map(({ run, call }) => run.run({ key: "k" }, (options) => call.domainGetMessages({ dom, flags: 0 }, options)));
    serving.world.run();
    client.connection.close();
    await assert.rejects(serving.settle(first as Promise<unknown>));
    serving.driver.stuck = Promise.resolve();
    giveUp(serving.driver.stuckSignal?.reason);
    assert.deepEqual(await serving.settle(second as Promise<unknown>), { msgs: [] });
    assert.equal(serving.driver.stuckCalls, 2);
  });

  it("tries a call with a key again when it has failed", async () => {
    const { serving, client, extensions } = await setUp();
    const dom = serving.driver.define("hello");
    const destroy = (): Promise<void> =>
      extensions.run({ key: "k" }, (options) => client.call.domainDestroy({ dom }, options));
    await assert.rejects(serving.settle(destroy()), { code: ErrorCode.operationInvalid });
    await serving.settle(client.call.domainCreate({ dom }));
    await serving.settle(destroy());
  });

  it("makes no call whose key is too long, and keeps it when the time is no whole number", async () => {
    const { serving, client, extensions } = await setUp();
    const dom = serving.driver.define("hello");
    const start = (key: string, timeoutMs: number): Promise<void> =>
      serving.settle(extensions.run({ key, timeoutMs }, (options) => client.call.domainCreate({ dom }, options)));
    await assert.rejects(start("k".repeat(257), 500), {
      code: ErrorCode.invalidArg,
      message: /at most 255/,
    });
    await start("k", 0.5);
    await start("k", 1e12);
  });

  it("cancels a call though no more may be under way", async () => {
    const serving = new Serving({ limits: { callsUnderWay: 2 } });
    const client = await serving.open();
    const extensions = await serving.settle(Extensions.probe(client.connection));
    serving.driver.stuck = new Promise(() => {});
    const dom = serving.driver.define("hello");
    const aborts = [new AbortController(), new AbortController()];
    const calls = aborts.map(({ signal }) =>
      extensions.run({ signal }, (options) => client.call.domainGetMessages({ dom, flags: 0 }, options)),
    );
    serving.world.run();
    const { stuckSignal } = serving.driver;
    aborts[1]?.abort(new Error("enough"));
    const waiting = client.call.connectGetType({});
    await assert.rejects(serving.settle(calls[1] as Promise<unknown>), { message: "enough" });
    assert.deepEqual(await serving.settle(waiting), { type: "Fake" });
    assert.equal(stuckSignal?.aborted, true);
  });

  it("remembers nothing for those who may only read", async () => {
    const serving = new Serving();
    const client = await serving.open({ readOnly: true });
    const extensions = await serving.settle(Extensions.probe(client.connection));
    const dom = serving.driver.define("hello");
    for (let count = 0; count < 2; count++) {
      await serving.settle(
        extensions.run({ key: "k" }, (options) => client.call.domainGetMessages({ dom, flags: 0 }, options)),
      );
    }
    assert.equal(serving.driver.stuckCalls, 2);
  });

  it("refuses a key for what is about the connection", async () => {
    const { serving, client, extensions } = await setUp();
    const subscribing = extensions.run({ key: "k" }, (options) =>
      client.call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom: null }, options),
    );
    await assert.rejects(serving.settle(subscribing), { code: ErrorCode.invalidArg, message: /about this connection/ });
  });

  it("refuses a key for a stream", async () => {
    const { serving, client, extensions } = await setUp();
    const dom = serving.driver.define("hello");
    const opening = extensions.run({ key: "k" }, (options) =>
      client.call.domainOpenConsole({ dom, devName: null, flags: 0 }, options),
    );
    await assert.rejects(serving.settle(opening), { code: ErrorCode.invalidArg, message: /opens a stream/ });
  });

  it("refuses a call whose key it cannot keep, and the call does not happen", async () => {
    const { serving, client, extensions } = await setUp();
    const dom = serving.driver.define("hello");
    const key = "k".repeat(256);
    const creating = extensions.run({ key }, (options) => client.call.domainCreate({ dom }, options));
    await assert.rejects(serving.settle(creating), { code: ErrorCode.invalidArg, message: /256 characters/ });
    assert.deepEqual(await serving.settle(client.call.domainIsActive({ dom })), { active: 0 });
  });

  it("says so when too much was prepared for a key to be kept", async () => {
    const { serving, client, extensions } = await setUp();
    const dom = serving.driver.define("hello");
    const own = clientOf(client.connection, virtwright);
    for (let serial = 1; serial <= 1_024; serial++) {
      await serving.settle(own.callPrepare({ serial: 1_000_000 + serial, timeoutMs: 9, key: null }));
    }
    const creating = extensions.run({ key: "k" }, (options) => client.call.domainCreate({ dom }, options));
    await assert.rejects(serving.settle(creating), { message: /make them first/ });
  });

  it("cancels nothing when the signal comes after the call", async () => {
    const { serving, client, extensions } = await setUp();
    const dom = serving.driver.define("hello");
    const abort = new AbortController();
    const { signal } = abort;
    await serving.settle(extensions.run({ signal, key: "k" }, (options) => client.call.domainCreate({ dom }, options)));
    abort.abort();
    serving.world.run();
    assert.deepEqual(await serving.settle(client.call.domainIsActive({ dom })), { active: 1 });
  });

  it("says which promise it does not keep", async () => {
    const { extensions } = await setUp();
    assert.equal(extensions.has("deadline"), true);
    assert.equal(extensions.has("faults"), false);
    assert.throws(() => extensions.need("faults"), {
      code: ErrorCode.noSupport,
      message: /faults in the simulator is not to be had: the server is virtwright 0\.1\.0, which does not have it/,
    });
  });
});

describe("someone else's server", () => {
  it("is recognised by its refusal, and what needs it is refused with the reason", async () => {
    const world = new World();
    const [near, far] = pairInMemory(world.loop);
    const foreign = new RawEnd(far);
    const connection = new Connection(world.loop, near);
    connection.open({ onClose: () => {} });
    const probing = Extensions.probe(connection);
    world.run();
    const answer = (status: number): void => {
      const [call] = foreign.take();
      assert.ok(call !== undefined);
      const header = { ...call.header, type: MessageType.reply, status };
      const refusal = VirError.of(ErrorCode.rpc, 7, `Cannot find program ${call.header.program} version 1`);
      foreign.transport.send(
        status === Status.error
          ? encodeMessage(header, WireError, refusal.toWire())
          : encodeMessage(header, remote.procedures.connectGetLibVersion.ret, { libVer: 9_000_000n }),
      );
    };
    answer(Status.error);
    for (let rounds = 0; rounds < 5; rounds++) {
      world.run();
      await Promise.resolve();
    }
    answer(Status.ok);
    const extensions = await world.settle(probing);
    assert.equal(extensions.has("cancel"), false);
    assert.throws(() => extensions.need("key"), {
      code: ErrorCode.noSupport,
      message:
        /sent is not to be had: the server is not virtwright's \(libvirt 9\.0\.0\), and libvirt's protocol has no/,
    });
    await assert.rejects(
      extensions.run({ key: "k" }, () => Promise.resolve(1)),
      { code: ErrorCode.noSupport },
    );
    assert.equal(
      await extensions.run({ timeoutMs: 5 }, async ({ timeoutMs, onSerial }) => [timeoutMs, onSerial].length),
      2,
    );
  });
});
