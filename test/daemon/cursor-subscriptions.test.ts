import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CursorSubscriptions } from "../../src/daemon/cursor-subscriptions.ts";
import { AccessRules } from "../../src/daemon/index.ts";
import { type Cursor, connectReadOnly, ErrorCode, MessageType, remote, virtwright } from "../../src/protocol/index.ts";
import { FakeDriver } from "./fake-driver.ts";
import { OwnClient } from "./own-client.ts";
import { sampleEvents } from "./sample-events.ts";
import { Serving } from "./serving.ts";

async function connect(serving: Serving, flags = 0): Promise<OwnClient> {
  const client = new OwnClient(serving.world.loop, serving.daemon);
  await serving.settle(client.call.connectOpen({ name: "fake:///default", flags }));
  return client;
}

/** Defines so many domains: d1, d2 and so on, each with an event of that number. */
function defineMany(serving: Serving, count: number): void {
  const from = serving.driver.journal.position.sequence + 1;
  for (let number = from; number < from + count; number++) serving.driver.define(`d${number}`);
}

function cursorAt({ driver }: Serving, sequence: number): Cursor {
  return { ...driver.journal.position, sequence: BigInt(sequence) };
}

/** "0 #FROM dFROM" to "0 #TO dTO". */
function numbered(from: number, to: number, callbackId = 0): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `${callbackId} #${from + index} d${from + index}`);
}

describe("events from a cursor", () => {
  it("are those behind it, then what happens, without gap or duplicate and in order", async () => {
    const serving = new Serving({ keep: 1_000 });
    defineMany(serving, 300);
    const client = await connect(serving);
    const opening = client.subscribe(cursorAt(serving, 20));
    // Some happen between call and reply, and some between the parts of the backlog.
    defineMany(serving, 5);
    for (let round = 0; round < 5; round++) {
      serving.world.loop.post(() => defineMany(serving, 2));
      serving.world.run();
    }
    const { callbackId, position } = await serving.settle(opening);
    defineMany(serving, 5);
    serving.world.run();
    assert.deepEqual([callbackId, position], [0, cursorAt(serving, 20)]);
    assert.deepEqual(client.heard, numbered(21, 320));
  });

  it("are only new ones without a cursor", async () => {
    const serving = new Serving();
    defineMany(serving, 3);
    const client = await connect(serving);
    const { position } = await serving.settle(client.subscribe(null));
    defineMany(serving, 2);
    serving.world.run();
    assert.equal(position.sequence, 3n);
    assert.deepEqual(client.heard, numbered(4, 5));
  });

  it("come behind the reply", async () => {
    const serving = new Serving();
    defineMany(serving, 3);
    const raw = serving.raw();
    const open = { name: "fake:///default", flags: 0 };
    await serving.ask(raw, { procedure: 1 }, remote.procedures.connectOpen.args, open);
    const { eventsOpen } = virtwright.procedures;
    const header = { program: virtwright.number, version: virtwright.version, procedure: eventsOpen.number };
    for (const sequence of [0, 2]) {
      raw.send(header, eventsOpen.args, { cursor: cursorAt(serving, sequence), eventIds: [], dom: null });
    }
    serving.world.run();
    const { reply, message } = MessageType;
    assert.deepEqual(
      raw.take().map((frame) => frame.header.type),
      [reply, reply, message, message, message, message],
    );
  });

  it("may be of one domain, and of some kinds", async () => {
    const serving = new Serving({ keep: 100 });
    const mine = serving.driver.define("mine");
    serving.driver.define("other");
    for (const event of sampleEvents) serving.driver.tell({ ...event, dom: { ...event.dom, uuid: mine.uuid } });
    const client = await connect(serving);
    const start = cursorAt(serving, 0);
    const ask = (eventIds: readonly number[], dom: typeof mine | null) =>
      serving.settle(client.own.eventsOpen({ cursor: start, eventIds, dom }));
    await ask([], { ...mine, name: "a stale name", id: 99 });
    await ask([3, 27], mine);
    await ask([3], null);
    serving.driver.tell({ ...(sampleEvents[3] as (typeof sampleEvents)[number]) });
    serving.world.run();
    const of = (id: number): string[] =>
      client.told.filter(({ callbackId }) => callbackId === id).map(({ sequence, row }) => `${sequence} ${row}`);
    assert.equal(of(0).length, 1 + sampleEvents.length);
    assert.deepEqual(of(1), ["6 domainEventCallbackWatchdog", "30 domainEventNicMacChange"]);
    assert.deepEqual(of(2), ["6 domainEventCallbackWatchdog", "31 domainEventCallbackWatchdog"]);
  });

  it("are found behind any number of others", async () => {
    const serving = new Serving({ keep: 1_000 });
    defineMany(serving, 350);
    serving.driver.tell(sampleEvents[3] as (typeof sampleEvents)[number]);
    const client = await connect(serving);
    await serving.settle(client.subscribe(cursorAt(serving, 0), [3]));
    serving.world.run();
    assert.deepEqual(client.heard, ["0 #351 hello"]);
  });

  for (const [index, event] of sampleEvents.entries()) {
    it(`say all of an event: ${event.name}`, async () => {
      const serving = new Serving();
      serving.driver.tell(event);
      const client = await connect(serving);
      await serving.settle(client.subscribe(cursorAt(serving, 0), [index]));
      const { name: _, ...content } = event;
      const { reason: __, callbackId: ___, ...told } = client.told[0]?.content ?? {};
      const { reason: ____, ...expected } = content as Record<string, unknown>;
      assert.deepEqual(told, expected);
    });
  }

  it("are, under rules that have come since, those of what somebody may know of, kept ones too", async () => {
    const serving = new Serving({ keep: 100 });
    const client = await connect(serving);
    await serving.settle(client.subscribe(null));
    defineMany(serving, 1);
    serving.world.run();
    client.transport.pause();
    serving.daemon.rule(new AccessRules(["allow anybody domain:getattr on d2,d4"]));
    defineMany(serving, 4);
    serving.world.run();
    client.transport.resume();
    serving.world.run();
    assert.deepEqual(client.heard, ["0 #1 d1", "0 #2 d2", "0 #4 d4"]);
    serving.daemon.rule(undefined);
    defineMany(serving, 1);
    serving.world.run();
    assert.deepEqual(client.heard.slice(3), ["0 #6 d6"]);
  });

  it("are refused for kinds that do not exist", async () => {
    const serving = new Serving();
    const client = await connect(serving);
    for (const id of [-1, 28, 1_000]) {
      await assert.rejects(serving.settle(client.subscribe(null, [0, id])), { message: /unsupported event ID/ });
    }
    assert.equal(serving.driver.listeners, 0);
  });
});

describe("a gap", () => {
  it("is told before the first event that is left", async () => {
    const serving = new Serving();
    defineMany(serving, 12);
    const client = await connect(serving);
    await serving.settle(client.subscribe(cursorAt(serving, 2)));
    assert.deepEqual(client.heard, ["0 gap 3-7", ...numbered(8, 12)]);
    assert.deepEqual(
      client.told.map(({ position }) => position),
      [8, 9, 10, 11, 12].map((at) => cursorAt(serving, at)),
    );
  });

  const strange = "00000000-0000-4000-8000-000000000001";
  const cases: [string, (cursor: Cursor) => Cursor, string][] = [
    ["of another journal", (cursor) => ({ ...cursor, journal: strange }), "0 gap 1-4"],
    ["of another journal, that begins", (cursor) => ({ ...cursor, journal: strange, sequence: 0n }), "0 gap 1-4"],
    ["of a run that nobody knows", (cursor) => ({ ...cursor, run: strange }), "0 gap 1-4"],
    ["of the future", (cursor) => ({ ...cursor, sequence: 5n }), "0 gap 1-4"],
    ["of a future beyond numbers", (cursor) => ({ ...cursor, sequence: 0xffff_ffff_ffff_ffffn }), "0 gap 1-4"],
  ];
  for (const [what, change, gap] of cases) {
    it(`is everything for a cursor ${what}; what follows is told`, async () => {
      const serving = new Serving();
      defineMany(serving, 4);
      const client = await connect(serving);
      const cursor = change(cursorAt(serving, 2));
      const { position } = await serving.settle(client.subscribe(cursor));
      assert.deepEqual([position, client.position], [cursor, cursorAt(serving, 4)]);
      defineMany(serving, 2);
      serving.world.run();
      assert.deepEqual(client.heard, [gap, ...numbered(5, 6)]);
    });
  }

  it("is none at the beginning, the end, or for a cursor of which nothing is missing", async () => {
    const serving = new Serving();
    defineMany(serving, 9);
    const client = await connect(serving);
    await serving.settle(client.subscribe(cursorAt(serving, 4)));
    await serving.settle(client.subscribe(cursorAt(serving, 9)));
    assert.deepEqual(client.heard, numbered(5, 9));
    const empty = new Serving();
    const early = await connect(empty);
    await empty.settle(early.subscribe(cursorAt(empty, 0)));
    assert.deepEqual(early.heard, []);
  });
});

describe("a reader that does not read", () => {
  const many = 12_000;

  async function pause(serving: Serving): Promise<OwnClient> {
    const client = await connect(serving);
    await serving.settle(client.subscribe(null));
    client.transport.pause();
    for (let told = 0; told < many; told += 100) {
      defineMany(serving, 100);
      serving.world.run();
    }
    return client;
  }

  it("is not dropped, costs little, and gets all of it in the end, without having to say a word", async () => {
    const serving = new Serving({ keep: 2 * many });
    const client = await pause(serving);
    assert.equal(serving.daemon.size, 1);
    assert.ok(client.daemonTransport.backlog < 700_000, `${client.daemonTransport.backlog} bytes wait`);
    assert.deepEqual(client.heard, []);
    client.transport.resume();
    serving.world.run();
    assert.deepEqual(client.heard, numbered(1, many));
    assert.deepEqual(client.closed, []);
  });

  it("is told what the journal has dropped meanwhile", async () => {
    const serving = new Serving();
    const client = await pause(serving);
    client.transport.resume();
    serving.world.run();
    const { heard } = client;
    const at = heard.findIndex((each) => each.includes("gap"));
    assert.ok(at > 0 && at < many - 5, `the gap is at ${at}`);
    assert.deepEqual(heard, [...numbered(1, at), `0 gap ${at + 1}-${many - 5}`, ...numbered(many - 4, many)]);
  });

  it("is not dropped either when a few events are long", async () => {
    const serving = new Serving({ keep: 100 });
    const [, , , , , , ioErrorReason] = sampleEvents;
    assert.ok(ioErrorReason?.name === "ioErrorReason");
    for (let count = 0; count < 60; count++) serving.driver.tell({ ...ioErrorReason, reason: "x".repeat(100_000) });
    const client = await connect(serving);
    await serving.settle(client.subscribe(cursorAt(serving, 0)));
    serving.world.run();
    assert.deepEqual([client.told.length, client.closed], [60, []]);
  });

  it("does not keep others waiting", async () => {
    const serving = new Serving({ keep: 100 });
    await pause(serving);
    const quick = await connect(serving);
    await serving.settle(quick.subscribe(null));
    defineMany(serving, 1);
    serving.world.run();
    assert.deepEqual(quick.heard, numbered(many + 1, many + 1, 1));
  });
});

describe("a subscription with a cursor", () => {
  it("that is closed in the middle of its backlog hears nothing after the reply", async () => {
    const serving = new Serving({ keep: 20_000 });
    defineMany(serving, 10_000);
    const client = await connect(serving);
    const { callbackId } = await serving.settle(client.subscribe(cursorAt(serving, 9_990)));
    const opening = client.subscribe(cursorAt(serving, 0));
    client.transport.pause();
    serving.world.run();
    client.transport.resume();
    const closing = client.own.eventsClose({ callbackId: 1 });
    let heardThen = -1;
    void closing.then(() => {
      heardThen = client.heard.length;
    });
    await serving.settle(Promise.all([opening, closing]));
    defineMany(serving, 1);
    serving.world.run();
    const rest = client.heard.slice(heardThen);
    assert.ok(heardThen < 9_000, `${heardThen} were heard`);
    assert.deepEqual(rest, [`${callbackId} #10001 d10001`]);
  });

  it("that does not exist cannot be closed, and neither can another's", async () => {
    const serving = new Serving();
    const [one, other] = [await connect(serving), await connect(serving)];
    const { callbackId } = await serving.settle(one.subscribe(null));
    for (const [client, id] of [
      [one, 99],
      [other, callbackId],
    ] as const) {
      await assert.rejects(serving.settle(client.own.eventsClose({ callbackId: id })), {
        code: ErrorCode.internalError,
        message: new RegExp(`there is no subscription ${id} with a cursor`),
      });
    }
    await serving.settle(one.own.eventsClose({ callbackId }));
    await assert.rejects(serving.settle(one.own.eventsClose({ callbackId })), { message: /no subscription/ });
    assert.equal(serving.driver.listeners, 0);
  });

  it("ends with its connection, in the middle of its backlog as well", async () => {
    const serving = new Serving({ keep: 20_000 });
    defineMany(serving, 10_000);
    const client = await connect(serving);
    client.onHeard = () => {
      if (client.heard.length === 500) client.connection.close();
    };
    await serving.settle(client.subscribe(cursorAt(serving, 0)));
    serving.world.run();
    defineMany(serving, 1);
    serving.world.run();
    assert.equal(client.heard.length, 500);
    assert.deepEqual([serving.daemon.size, serving.driver.listeners, serving.world.errors], [0, 0, []]);
  });

  it("may be closed inside its delivery: nothing follows the reply, and another goes on", async () => {
    const serving = new Serving({ keep: 20_000 });
    const client = await connect(serving);
    const { callbackId } = await serving.settle(client.subscribe(null));
    await serving.settle(client.subscribe(null));
    let closing: Promise<unknown> | undefined;
    let isClosed = false;
    const late: string[] = [];
    client.onHeard = () => {
      if (isClosed && client.told.at(-1)?.callbackId === callbackId) late.push(client.heard.at(-1) as string);
      closing ??= client.own.eventsClose({ callbackId }).then(() => {
        isClosed = true;
      });
    };
    defineMany(serving, 1);
    serving.world.run();
    await serving.settle(closing as Promise<unknown>);
    defineMany(serving, 3);
    serving.world.run();
    assert.deepEqual(late, []);
    assert.deepEqual(
      client.heard.filter((each) => each.startsWith("1 ")),
      numbered(1, 4, 1),
    );
  });

  it("is one of up to 1,024, each at its own place", async () => {
    const serving = new Serving({ keep: 100 });
    defineMany(serving, 20);
    const client = await connect(serving);
    for (let count = 0; count < 1_024; count++) {
      await serving.settle(client.subscribe(cursorAt(serving, count % 20)));
    }
    await assert.rejects(serving.settle(client.subscribe(null)), {
      code: ErrorCode.operationInvalid,
      message: /1024 subscriptions/,
    });
    assert.equal(serving.driver.listeners, 1);
    defineMany(serving, 1);
    serving.world.run();
    const byId = Map.groupBy(client.told, ({ callbackId }) => callbackId);
    for (const [id, told] of byId) {
      const expected = Array.from({ length: 21 - (id % 20) }, (_, index) => (id % 20) + 1 + index);
      assert.deepEqual(
        told.map(({ sequence }) => sequence),
        expected,
      );
    }
    assert.equal(byId.size, 1_024);
  });

  it("does not hold up others, however many there are: each gets its share", () => {
    const driver = new FakeDriver(1_000);
    for (let count = 0; count < 500; count++) driver.define(`d${count}`);
    const jobs: (() => void)[] = [];
    const sent: number[] = [];
    let nextId = 0;
    const subscriptions = new CursorSubscriptions({
      hypervisor: driver,
      issueCallbackId: () => nextId++,
      send: { eventsNext: ({ callbackId }) => sent.push(callbackId), eventsGap: () => assert.fail("a gap") },
      mayHear: () => true,
      isCongested: () => false,
      postpone: (job) => void jobs.push(job),
    });
    const cursor = { ...driver.journal.position, sequence: 0n };
    for (let count = 0; count < 10; count++) subscriptions.open({ cursor, eventIds: [], dom: null });
    const shares: number[][] = [];
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      job();
      shares.push(sent.splice(0));
    }
    assert.equal(Math.max(...shares.map(({ length }) => length)), 200);
    const all = Map.groupBy(shares.flat(), (id) => id);
    assert.deepEqual(
      [...all.values()].map(({ length }) => length),
      Array.from({ length: 10 }, () => 500),
    );
    assert.equal(new Set(shares.slice(0, 10).flat()).size, 10);
  });

  it("may be of a connection that only reads", async () => {
    const serving = new Serving();
    const client = await connect(serving, connectReadOnly);
    const { callbackId } = await serving.settle(client.subscribe(null));
    defineMany(serving, 1);
    serving.world.run();
    assert.deepEqual(client.heard, numbered(1, 1));
    await serving.settle(client.own.eventsClose({ callbackId }));
  });

  it("needs an open hypervisor", async () => {
    const serving = new Serving();
    const client = new OwnClient(serving.world.loop, serving.daemon);
    await assert.rejects(serving.settle(client.subscribe(null)), { message: /hypervisor connection not open/ });
  });
});
