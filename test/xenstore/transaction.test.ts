import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { DeadlineError, StateError } from "../../src/event/index.ts";
import { type Transaction, XenstoreError } from "../../src/xenstore/index.ts";
import { World } from "./world.ts";

const increment = async (transaction: Transaction): Promise<number> => {
  const next = Number(await transaction.read("/n")) + 1;
  await transaction.write("/n", String(next));
  return next;
};

suite("a transaction", () => {
  test("is seen by others when it is committed, not before", async () => {
    const world = new World();
    world.daemon.write("/n", "1");
    let seen: string | undefined;
    const done = world.store.transaction(async (transaction) => {
      const value = await increment(transaction);
      seen = await world.store.read("/n");
      return value;
    });
    assert.equal(await world.value(done), 2);
    assert.deepEqual([seen, world.daemon.nodes.get("/n")?.value], ["1", "2"]);
    assert.equal(world.daemon.transactions.size, 0);
  });

  test("is done again when others have come between", async () => {
    const world = new World();
    world.daemon.write("/n", "1");
    world.daemon.onRequest = ({ name }) => {
      if (name === "end" && world.daemon.requests.length < 10) world.daemon.write("/n", "10");
    };
    assert.equal(await world.value(world.store.transaction(increment)), 11);
    assert.equal(world.daemon.names.filter((name) => name === "start").length, 3);
  });

  test("is not done again for ever", async () => {
    const world = new World();
    world.daemon.write("/n", "1");
    world.daemon.onRequest = ({ name }) => name === "end" && world.daemon.write("/n", "10");
    const error = await world.error(world.store.transaction(increment, { attempts: 3 }));
    assert.ok(error instanceof XenstoreError && error.errno === "EAGAIN");
    assert.equal(world.daemon.names.filter((name) => name === "start").length, 3);
    assert.equal(world.daemon.transactions.size, 0);
  });

  test("that throws is undone, and throws what was thrown", async () => {
    const world = new World();
    const error = await world.error(
      world.store.transaction(async (transaction) => {
        await transaction.write("/a", "1");
        throw new Error("changed my mind");
      }),
    );
    assert.match(String(error), /changed my mind/);
    await world.hand.settle();
    assert.deepEqual([world.daemon.nodes.has("/a"), world.daemon.transactions.size], [false, 0]);
    assert.deepEqual(world.daemon.requests.at(-1)?.strings, ["F"]);
  });

  test("is undone at its deadline, whatever its work waits for", async () => {
    const world = new World();
    const late = world.store.transaction(() => new Promise<never>(() => undefined), { timeoutMs: 100 });
    late.catch(() => undefined);
    await world.hand.pass(150);
    assert.ok((await world.error(late)) instanceof DeadlineError);
    assert.deepEqual([world.daemon.names, world.daemon.transactions.size], [["start", "end"], 0]);
    assert.equal(world.hand.loop.size, 0);
  });

  test("is undone when its signal is aborted", async () => {
    const world = new World();
    const controller = new AbortController();
    const aborted = world.store.transaction(() => new Promise<never>(() => undefined), { signal: controller.signal });
    aborted.catch(() => undefined);
    await world.hand.settle();
    controller.abort(new Error("enough"));
    assert.match(String(await world.error(aborted)), /enough/);
    assert.equal(world.daemon.transactions.size, 0);
  });

  test("that begins too late for its caller is ended all the same", async () => {
    const world = new World();
    world.daemon.held = [];
    const late = world.store.transaction(increment, { timeoutMs: 100 });
    late.catch(() => undefined);
    await world.hand.pass(150);
    assert.ok((await world.error(late)) instanceof DeadlineError);
    assert.equal(world.daemon.transactions.size, 1);
    world.daemon.letGo();
    await world.hand.settle();
    assert.equal(world.daemon.transactions.size, 0);
  });

  test("that has ended takes no calls", async () => {
    const world = new World();
    let kept: Transaction | undefined;
    await world.value(
      world.store.transaction(async (transaction) => {
        kept = transaction;
      }),
    );
    assert.ok(kept !== undefined && (await world.error(kept.read("/a"))) instanceof StateError);
  });
});
