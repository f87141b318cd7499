import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StateError } from "../../src/event/index.ts";
import { Feature } from "../../src/protocol/index.ts";
import { pairInMemory } from "../../src/rpc/index.ts";
import { int, struct } from "../../src/xdr/index.ts";
import { nothing } from "../rpc/world.ts";
import { Serving } from "./serving.ts";

const dom = { name: "any", uuid: "00000000-0000-4000-8000-000000000000", id: -1 };

describe("the daemon", () => {
  it("serves many connections side by side", async () => {
    const serving = new Serving();
    const clients = await Promise.all([1, 2, 3].map(() => serving.open()));
    serving.driver.define("hello");
    for (const { call } of clients) {
      assert.equal((await serving.settle(call.connectListAllDomains({ needResults: 0, flags: 0 }))).ret, 1);
    }
    assert.equal(serving.daemon.size, 3);
  });

  it("knows how many calls of whom have come and not been begun", async () => {
    const serving = new Serving({ limits: { callsUnderWay: 2 } });
    const clients = await Promise.all([1, 2].map(() => serving.open()));
    const gate = Promise.withResolvers<void>();
    serving.driver.stuck = gate.promise;
    const [busy, idle] = clients.map(({ call }, index) =>
      Array.from({ length: index === 0 ? 5 : 1 }, () => call.domainGetMessages({ dom, flags: 0 })),
    );
    serving.world.run();
    assert.deepEqual([serving.daemon.callsUnderWay, serving.daemon.queueLengths], [3, [3]]);
    gate.resolve();
    await serving.settle(Promise.all([...(busy ?? []), ...(idle ?? [])]));
    assert.deepEqual(serving.daemon.queueLengths, []);
  });

  it("drops connections beyond its limit, and says so", async () => {
    const serving = new Serving({ limits: { clients: 1 } });
    const first = serving.connect();
    const second = serving.raw();
    serving.world.run();
    assert.deepEqual(second.closed, { cause: undefined });
    assert.equal(serving.log.at(-1)?.message, "too many clients: a connection beyond 1 was dropped");
    first.connection.close();
    serving.world.run();
    await serving.open();
  });

  it("takes new limits for those who come, and that of clients for all", async () => {
    const serving = new Serving({ limits: { messageLength: 100 } });
    const first = serving.raw();
    serving.daemon.configure({ limits: { clients: 3 } });
    const second = serving.raw();
    for (const raw of [first, second]) raw.transport.send(new Uint8Array([0, 0, 0, 101]));
    serving.world.run();
    assert.deepEqual(first.closed, { cause: undefined });
    assert.equal(second.closed, undefined);
    serving.daemon.configure({ limits: { clients: 1 } });
    const third = serving.raw();
    serving.world.run();
    assert.deepEqual(third.closed, { cause: undefined });
    assert.deepEqual(
      serving.log.filter(({ level }) => level !== "debug").map(({ source, message }) => `${source}: ${message}`),
      [
        "rpc: dropped: a message length of 101, it goes from 28 to 100",
        "daemon: all 1 connections are in use: more wait until one ends",
        "daemon: too many clients: a connection beyond 1 was dropped",
      ],
    );
  });

  for (const [keepalive, dropped] of [
    [{ intervalMs: 1_000, count: 2 }, true],
    ["off", false],
  ] as const) {
    it(`${dropped ? "drops" : "keeps"} a client that is silent for an hour with keepalive ${JSON.stringify(keepalive)}`, async () => {
      const serving = new Serving({ keepalive, limits: { openWithinMs: 7_200_000 } });
      const raw = serving.raw();
      await serving.ask(raw, { procedure: 60 }, struct("args", { feature: int }), {
        feature: Feature.programKeepalive,
      });
      serving.world.pass(3_600_000);
      assert.equal(raw.closed !== undefined, dropped);
    });
  }

  it("drops a client whose message is longer than allowed, without a reply", () => {
    const serving = new Serving({ limits: { messageLength: 100 } });
    const raw = serving.raw();
    raw.transport.send(new Uint8Array([0, 0, 0, 101]));
    serving.world.run();
    assert.deepEqual(raw.closed, { cause: undefined });
    assert.equal(raw.received.length, 0);
    assert.match(serving.log.at(-1)?.message ?? "", /^dropped: a message length of 101, it goes from 28 to 100$/);
  });

  it("takes so many calls of one client at once", async () => {
    const serving = new Serving({ limits: { callsUnderWay: 1 } });
    const { call } = await serving.open();
    let release = (): void => {};
    serving.driver.stuck = new Promise((resolve) => {
      release = resolve;
    });
    const stuck = call.domainGetMessages({ dom, flags: 0 });
    const queued = call.connectGetType({});
    serving.world.run();
    const other = await serving.open();
    assert.deepEqual(await serving.settle(other.call.connectGetType({})), { type: "Fake" }, "others are not held up");
    release();
    assert.deepEqual(await serving.settle(stuck), { msgs: [] });
    assert.deepEqual(await serving.settle(queued), { type: "Fake" });
  });

  it("survives garbage and clients that are cut off", async () => {
    const serving = new Serving();
    const garbage = serving.raw();
    garbage.transport.send(new Uint8Array(1_000).fill(0x55));
    const cut = serving.raw();
    cut.send({ procedure: 1 }, nothing, {});
    cut.transport.send(new Uint8Array([0, 0, 0, 40, 0x20]));
    serving.world.run();
    cut.transport.close();
    serving.world.run();
    assert.equal(serving.daemon.size, 0);
    assert.deepEqual(serving.world.errors, []);
    await serving.open();
  });
});

describe("closing the daemon", () => {
  it("lets calls under way finish, drops later ones, then closes every connection", async () => {
    const serving = new Serving();
    const { call, closed } = await serving.open();
    const idle = await serving.open();
    let release = (): void => {};
    serving.driver.stuck = new Promise((resolve) => {
      release = resolve;
    });
    const stuck = call.domainGetMessages({ dom, flags: 0 });
    serving.world.run();
    const closing = serving.daemon.close();
    const late = call.connectGetType({});
    serving.world.run();
    assert.deepEqual(idle.closed, [undefined]);
    assert.equal(serving.daemon.state, "closing");
    release();
    assert.deepEqual(await serving.settle(stuck), { msgs: [] });
    await assert.rejects(serving.settle(late), { name: "VirError" });
    await serving.settle(closing);
    assert.deepEqual(closed, [undefined]);
    assert.equal(serving.daemon.state, "closed");
    assert.equal(serving.world.loop.size, 0);
  });

  it("does not wait longer than it was told, and says for whom it did", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    serving.driver.stuck = new Promise(() => {});
    call.domainGetMessages({ dom, flags: 0 }).catch(() => {});
    serving.world.run();
    const closing = serving.daemon.close(2_000);
    serving.world.pass(1_999);
    assert.equal(serving.daemon.size, 1);
    serving.world.pass(1);
    await serving.settle(closing);
    assert.deepEqual(
      serving.log.filter(({ level }) => level === "warn").map(({ peer, message }) => [peer, message]),
      [[1, "dropped: calls or their replies are left after 2000 ms"]],
    );
  });

  it("is idempotent, and takes no connections any more", async () => {
    const serving = new Serving();
    await using daemon = serving.daemon;
    assert.equal(daemon.close(), daemon.close());
    await serving.settle(daemon.close());
    assert.throws(() => daemon.accept(pairInMemory(serving.world.loop)[0]), StateError);
    assert.throws(() => daemon.listen({ path: "/nowhere" }), StateError);
  });
});
