import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Daemon, type Origin } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import { connectReadOnly, ErrorCode, remote, virtwright } from "../../src/protocol/index.ts";
import type { CallOptions } from "../../src/rpc/index.ts";
import { World } from "../rpc/world.ts";
import { OwnClient } from "./own-client.ts";
import { Serving } from "./serving.ts";

interface Preparation {
  readonly timeoutMs?: number;
  readonly key?: string;
}

async function connect(serving: Serving, origin?: Origin, flags = 0): Promise<OwnClient> {
  const client = new OwnClient(serving.world.loop, serving.daemon, origin);
  await serving.settle(client.call.connectOpen({ name: "fake:///default", flags }));
  return client;
}

/** Options of a call that is prepared like this, each time anew, right before it. */
function prepared({ own }: OwnClient, ...preparations: readonly Preparation[]): CallOptions {
  return {
    onSerial: (serial) => {
      for (const { timeoutMs = 0, key = null } of preparations) {
        own.callPrepare({ serial, timeoutMs, key }).catch(() => {});
      }
    },
  };
}

/** Options that keep the call's serial for later. */
function noting(serials: number[]): CallOptions {
  return { onSerial: (serial) => void serials.push(serial) };
}

/** Calls of `domainGetMessages` are under way until the function returned is called. */
function stall(serving: Serving): () => void {
  let go = (): void => {};
  serving.driver.stuck = new Promise((resolve) => {
    go = resolve;
  });
  return go;
}

function user(uid: number): Origin {
  return { identity: { uid, gid: uid, pid: 1 } };
}

describe("preparing a call", () => {
  it("is for the next call with its serial alone, and the last word counts", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    stall(serving);
    const options = prepared(client, { timeoutMs: 5 }, { timeoutMs: 700 });
    const late = client.call.domainGetMessages({ dom, flags: 0 }, options);
    const other = client.call.domainGetMessages({ dom, flags: 0 });
    const settled: unknown[] = [];
    for (const call of [late, other]) {
      call.catch((error: Error) => settled.push(error.message));
    }
    serving.world.run();
    serving.world.pass(650);
    await serving.settle(client.call.connectGetType({}));
    assert.deepEqual(settled, []);
    serving.world.pass(10_000);
    await assert.rejects(serving.settle(late), { code: ErrorCode.operationTimeout, message: /within 700 ms/ });
    assert.equal(settled.length, 1);
  });

  it("without making it changes nothing for others", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    await serving.settle(client.own.callPrepare({ serial: 4_000_000, timeoutMs: 1, key: "k" }));
    serving.world.pass(100);
    assert.deepEqual(await serving.settle(client.call.connectGetType({})), { type: "Fake" });
    client.connection.close();
    serving.world.run();
    assert.deepEqual([serving.daemon.size, serving.world.errors], [0, []]);
  });

  it("is used up by the call", async () => {
    const serving = new Serving();
    const raw = serving.raw();
    const { connectOpen, domainCreate } = remote.procedures;
    const { callPrepare } = virtwright.procedures;
    await serving.ask(raw, { procedure: connectOpen.number }, connectOpen.args, { name: "fake:///default", flags: 0 });
    const { number: program, version } = virtwright;
    const preparation = { serial: 5, timeoutMs: 0, key: "k" };
    await serving.ask(raw, { program, version, procedure: callPrepare.number }, callPrepare.args, preparation);
    const dom = serving.driver.define("hello");
    const create = () => serving.ask(raw, { procedure: domainCreate.number, serial: 5 }, domainCreate.args, { dom });
    assert.equal(await create(), undefined);
    assert.match((await create())?.message ?? "", /already running/);
  });

  it("is used up by a call that a gate refuses", async () => {
    const serving = new Serving();
    const client = await connect(serving, {}, connectReadOnly);
    const dom = serving.driver.define("hello");
    const destroy = client.call.domainDestroy({ dom }, prepared(client, { timeoutMs: 50, key: "k" }));
    await assert.rejects(serving.settle(destroy), { code: ErrorCode.operationDenied });
    serving.world.pass(1_000);
    assert.deepEqual(serving.world.errors, []);
    // The key was not used: whoever may, does it.
    const writer = await connect(serving);
    const create = writer.call.domainCreate({ dom }, prepared(writer, { key: "k" }));
    await serving.settle(create);
  });

  it("is refused beyond 1,024, until some are made", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const prepare = (serial: number) => serving.settle(client.own.callPrepare({ serial, timeoutMs: 9, key: null }));
    for (let serial = 1; serial <= 1_024; serial++) await prepare(1_000_000 + serial);
    await prepare(1_000_001);
    await assert.rejects(prepare(2_000_000), { code: ErrorCode.operationInvalid, message: /make them first/ });
    const other = await connect(serving);
    await serving.settle(other.own.callPrepare({ serial: 1, timeoutMs: 9, key: null }));
  });

  it("with a key that is too long refuses the call itself too", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    const create = client.call.domainCreate({ dom }, prepared(client, { key: "k".repeat(256) }));
    await assert.rejects(serving.settle(create), { code: ErrorCode.invalidArg, message: /at most 255/ });
    assert.deepEqual(await serving.settle(client.call.domainIsActive({ dom })), { active: 0 });
    await serving.settle(client.call.domainCreate({ dom }, prepared(client, { key: "k".repeat(255) })));
  });
});

describe("a deadline", () => {
  it("of 1 ms ends a call, and not one that is answered on the spot", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    await serving.settle(client.call.domainCreate({ dom }, prepared(client, { timeoutMs: 1 })));
    stall(serving);
    const stuck = client.call.domainGetMessages({ dom, flags: 0 }, prepared(client, { timeoutMs: 1 }));
    stuck.catch(() => {});
    serving.world.run();
    assert.equal(serving.driver.stuckDeadline, serving.world.host.now() + 1);
    serving.world.pass(20);
    await assert.rejects(serving.settle(stuck), { code: ErrorCode.operationTimeout, message: /within 1 ms/ });
    assert.equal(serving.driver.stuckSignal?.aborted, true);
    serving.world.pass(1_000);
    assert.deepEqual(serving.world.errors, []);
  });

  it("that is past while the handler works in one go changes nothing", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    const { domainCreate } = serving.driver.procedures;
    Object.assign(serving.driver.procedures, {
      domainCreate: (args: never, context: never) => {
        serving.world.host.advance(5_000);
        return domainCreate?.(args, context);
      },
    });
    await serving.settle(client.call.domainCreate({ dom }, prepared(client, { timeoutMs: 10 })));
    serving.world.pass(5_000);
    assert.deepEqual(await serving.settle(client.call.domainIsActive({ dom })), { active: 1 });
    assert.deepEqual(serving.world.errors, []);
  });

  it("leaves no timer behind, whatever becomes of the call", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    const before = serving.world.loop.size;
    const destroy = client.call.domainDestroy({ dom }, prepared(client, { timeoutMs: 60_000 }));
    await assert.rejects(serving.settle(destroy), { code: ErrorCode.operationInvalid });
    const stream = client.call.domainOpenConsole(
      { dom, devName: null, flags: 0 },
      prepared(client, { timeoutMs: 60_000, key: "k" }),
    );
    await assert.rejects(serving.settle(stream), { code: ErrorCode.invalidArg });
    assert.equal(serving.world.loop.size, before);
  });
});

describe("cancelling a call", () => {
  it("finds those under way alone", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    const go = stall(serving);
    const serials: number[] = [];
    const done = client.call.domainGetMessages({ dom, flags: 0 }, noting(serials));
    serving.world.run();
    go();
    await serving.settle(done);
    const cancel = (serial: number) => serving.settle(client.own.callCancel({ serial }));
    assert.deepEqual(await cancel(serials[0] as number), { found: false });
    assert.deepEqual(await cancel(77_777), { found: false });
    // Of a call that is announced and not made there is nothing to cancel: it happens when it is made.
    await serving.settle(client.own.callPrepare({ serial: 77_777, timeoutMs: 0, key: null }));
    assert.deepEqual(await cancel(77_777), { found: false });
  });

  it("finds none of another connection", async () => {
    const serving = new Serving();
    const [client, other] = [await connect(serving), await connect(serving)];
    const dom = serving.driver.define("hello");
    stall(serving);
    const serials: number[] = [];
    const stuck = client.call.domainGetMessages({ dom, flags: 0 }, noting(serials));
    stuck.catch(() => {});
    serving.world.run();
    assert.deepEqual(await serving.settle(other.own.callCancel({ serial: serials[0] as number })), { found: false });
    assert.equal(serving.driver.stuckSignal?.aborted, false);
    assert.deepEqual(await serving.settle(client.own.callCancel({ serial: serials[0] as number })), { found: true });
    await assert.rejects(serving.settle(stuck), { code: ErrorCode.operationAborted, message: /cancelled/ });
  });

  it("answers the call once, whatever its handler does afterwards", async () => {
    for (const ending of ["result", "error"]) {
      const serving = new Serving();
      const client = await connect(serving);
      const dom = serving.driver.define("hello");
      let end = (): void => {};
      serving.driver.stuck = new Promise((resolve, reject) => {
        end = ending === "result" ? resolve : () => reject(new Error("too late"));
      });
      const serials: number[] = [];
      const stuck = client.call.domainGetMessages({ dom, flags: 0 }, noting(serials));
      stuck.catch(() => {});
      serving.world.run();
      const [serial = 0] = serials;
      await serving.settle(client.own.callCancel({ serial }));
      assert.deepEqual(await serving.settle(client.own.callCancel({ serial })), { found: false });
      end();
      await assert.rejects(serving.settle(stuck), { code: ErrorCode.operationAborted });
      assert.deepEqual(await serving.settle(client.call.connectGetType({})), { type: "Fake" });
      assert.deepEqual([client.closed, serving.world.errors], [[], []]);
    }
  });

  it("does not end a stream that its call has opened: that is the stream's to do", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    serving.driver.consoleText = "login: ";
    const serials: number[] = [];
    const opening = client.call.domainOpenConsole({ dom, devName: null, flags: 0 }, noting(serials));
    const { stream } = await serving.settle(opening);
    assert.deepEqual(await serving.settle(client.own.callCancel({ serial: serials[0] as number })), { found: false });
    const reading = (async () => {
      let text = "";
      for await (const part of stream) text += Buffer.from(part).toString();
      return text;
    })();
    assert.equal(await serving.settle(reading), "login: ");
  });

  it("ends the wait for a call that would open a stream, and no stream comes of it", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    let answer: (value: unknown) => void = () => {};
    let served = 0;
    Object.assign(serving.driver.procedures, {
      domainOpenConsole: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const serials: number[] = [];
    const opening = client.call.domainOpenConsole({ dom, devName: null, flags: 0 }, noting(serials));
    opening.catch(() => {});
    serving.world.run();
    assert.deepEqual(await serving.settle(client.own.callCancel({ serial: serials[0] as number })), { found: true });
    answer({ ret: undefined, serve: async () => void served++ });
    await assert.rejects(serving.settle(opening), { code: ErrorCode.operationAborted });
    assert.deepEqual([served, client.closed, serving.world.errors], [0, [], []]);
  });

  it("overtakes calls that wait because as many as may be are under way", async () => {
    const serving = new Serving({ limits: { callsUnderWay: 2 } });
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    const go = stall(serving);
    const serials: number[] = [];
    const stuck = [1, 2, 3].map(() => client.call.domainGetMessages({ dom, flags: 0 }, noting(serials)));
    const cancelling = client.own.callCancel({ serial: serials[0] as number });
    const cancelled = assert.rejects(stuck.shift() as Promise<unknown>, { code: ErrorCode.operationAborted });
    assert.deepEqual(await serving.settle(cancelling), { found: true });
    await serving.settle(cancelled);
    assert.equal(serving.driver.stuckCalls, 3, "there is room for the third");
    go();
    await serving.settle(Promise.all(stuck));
  });
});

describe("a key", () => {
  async function create(serving: Serving, client: OwnClient, name: string, key: string): Promise<void> {
    const dom = await serving.settle(client.call.domainLookupByName({ name }));
    await serving.settle(client.call.domainCreate(dom, prepared(client, { key })));
  }

  it("is its user's own", async () => {
    const serving = new Serving();
    serving.driver.define("hello");
    const [mine, again, theirs] = [
      await connect(serving, user(1_000)),
      await connect(serving, user(1_000)),
      await connect(serving, user(1_001)),
    ];
    await create(serving, mine, "hello", "k");
    await create(serving, again, "hello", "k");
    await assert.rejects(create(serving, theirs, "hello", "k"), { message: /already running/ });
  });

  it("knows a call again whatever the domain's id and name have become", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    await serving.settle(client.call.domainCreate({ dom }, prepared(client, { key: "k" })));
    for (const other of [{ id: 1 }, { name: "renamed" }]) {
      const repeat = client.call.domainCreate({ dom: { ...dom, ...other } }, prepared(client, { key: "k" }));
      await serving.settle(repeat);
    }
    const elsewhere = client.call.domainCreate({ dom: serving.driver.define("other") }, prepared(client, { key: "k" }));
    await assert.rejects(serving.settle(elsewhere), { code: ErrorCode.invalidArg, message: /use a new key/ });
  });

  it("is of one call: another with the same key is another", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    await serving.settle(client.call.domainCreate({ dom }, prepared(client, { key: "k" })));
    await serving.settle(client.call.domainDestroy({ dom }, prepared(client, { key: "k" })));
    await serving.settle(client.call.domainDestroy({ dom }, prepared(client, { key: "k" })));
    assert.deepEqual(await serving.settle(client.call.domainIsActive({ dom })), { active: 0 });
  });

  it("is refused for what is of use on one connection alone", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    const options = (): CallOptions => prepared(client, { key: "k" });
    const { call, own } = client;
    const calls: [() => Promise<unknown>, RegExp][] = [
      [() => own.eventsOpen({ cursor: null, eventIds: [], dom: null }, options()), /about this connection/],
      [() => call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom: null }, options()), /about this connection/],
      [() => call.connectGetUri({}, options()), /about this connection/],
      [() => call.domainOpenGraphicsFd({ dom, idx: 0, flags: 0 }, options()), /passes descriptors/],
      [() => call.domainOpenConsole({ dom, devName: null, flags: 0 }, options()), /opens a stream/],
    ];
    for (const [make, message] of calls) {
      await assert.rejects(serving.settle(make()), { code: ErrorCode.invalidArg, message });
    }
    assert.equal(serving.driver.listeners, 0);
  });

  it("of a call that only reads is forgotten when it is answered", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    const isActive = () => serving.settle(client.call.domainIsActive({ dom }, prepared(client, { key: "k" })));
    assert.deepEqual(await isActive(), { active: 0 });
    await serving.settle(client.call.domainCreate({ dom }));
    assert.deepEqual(await isActive(), { active: 1 });
  });

  it("of a call that was cancelled joins what it has begun", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    const dom = serving.driver.define("hello");
    const go = stall(serving);
    const serials: number[] = [];
    const { onSerial } = prepared(client, { key: "k" });
    const options = { onSerial: (serial: number) => [onSerial?.(serial), serials.push(serial)] };
    const first = client.call.domainGetMessages({ dom, flags: 0 }, options);
    first.catch(() => {});
    serving.world.run();
    await serving.settle(client.own.callCancel({ serial: serials[0] as number }));
    const second = client.call.domainGetMessages({ dom, flags: 0 }, prepared(client, { key: "k" }));
    serving.world.run();
    assert.equal(serving.driver.stuckCalls, 1);
    go();
    assert.deepEqual(await serving.settle(second), { msgs: [] });
    await assert.rejects(serving.settle(first), { code: ErrorCode.operationAborted });
  });

  it("says nothing about another hypervisor of the same URI", async () => {
    const world = new World();
    const driver = new TestDriver(world.loop, { clock: () => 0 });
    const daemon = new Daemon(world.loop, { drivers: [driver] });
    // A hypervisor with faults in its URI is each connection's own.
    const name = "test:///default?fault=fail:domainReset";
    for (let count = 0; count < 2; count++) {
      const client = new OwnClient(world.loop, daemon);
      await world.settle(client.call.connectOpen({ name, flags: 0 }));
      const { dom } = await world.settle(client.call.domainLookupByName({ name: "test" }));
      await world.settle(client.call.domainDestroy({ dom }, prepared(client, { key: "k" })));
      assert.deepEqual(await world.settle(client.call.domainIsActive({ dom })), { active: 0 });
    }
    await driver.close();
  });
});

describe("a connection that only reads", () => {
  it("may ask for all of our program but for faults to be placed or removed", async () => {
    const world = new World();
    const driver = new TestDriver(world.loop, { clock: () => 0 });
    const daemon = new Daemon(world.loop, { drivers: [driver] });
    const client = new OwnClient(world.loop, daemon);
    await world.settle(client.call.connectOpen({ name: "test:///default", flags: connectReadOnly }));
    const fault = {
      kind: "fail",
      on: "domainCreate",
      dom: null,
      skip: 0,
      times: 0,
      delayMs: 0,
      code: 0,
      message: null,
    };
    const denied = { code: ErrorCode.operationDenied };
    await assert.rejects(world.settle(client.own.faultAdd({ fault })), denied);
    await assert.rejects(world.settle(client.own.faultRemove({ id: 1 })), denied);
    assert.deepEqual(await world.settle(client.own.faultList({})), { faults: [] });
    const { domains } = await world.settle(client.own.snapshot({ start: 0n, limit: 0, stats: 0, withXml: false }));
    assert.equal(domains.length, 1);
    const { promises } = await world.settle(client.own.hello({}));
    assert.deepEqual(promises, ["deadline", "cancel", "key", "cursor", "snapshot", "faults"]);
    await driver.close();
  });
});
