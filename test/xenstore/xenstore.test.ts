import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { suite, test } from "node:test";
import { DeadlineError, StateError } from "../../src/event/index.ts";
import { XenstoreClosedError, XenstoreError } from "../../src/xenstore/index.ts";
import { World } from "./world.ts";

function refusal(errno: string): (error: unknown) => boolean {
  return (error) => error instanceof XenstoreError && error.errno === errno;
}

suite("the store's nodes", () => {
  test("are written, read, listed and removed", async () => {
    const { store, hand, ...world } = new World();
    const all = Promise.all([
      store.write("/a/b", "one"),
      store.write("/a/c", new Uint8Array([0, 255])),
      store.mkdir("/a/d"),
      store.read("/a/b"),
      store.directory("/a"),
      store.directory("/a/d"),
      store.rm("/a/b"),
      store.readIfThere("/a/b"),
    ]);
    await hand.settle();
    const [, , , value, names, none, , gone] = await all;
    assert.deepEqual([value, names, none, gone], ["one", ["b", "c", "d"], [], undefined]);
    assert.equal(world.daemon.requests.length, 8);
  });

  test("refuse with xenstored's errno, in words that say what was asked", async () => {
    const world = new World();
    const error = await world.error(world.store.read("/nowhere"));
    assert.ok(refusal("ENOENT")(error));
    assert.match(String(error), /read \/nowhere: ENOENT/);
  });

  test("have permissions", async () => {
    const { store, daemon, ...world } = new World();
    daemon.write("/a", "");
    const permissions = { owner: 3, others: "none", domains: [{ domain: 7, access: "both" }] } as const;
    const set = store.setPermissions("/a", permissions);
    await world.hand.settle();
    await set;
    assert.deepEqual(daemon.requests[0]?.strings, ["/a", "n3", "b7"]);
    const got = store.getPermissions("/a");
    await world.hand.settle();
    assert.deepEqual(await got, permissions);
  });

  test("are listed in parts when they are many", async () => {
    const world = new World();
    const names = Array.from({ length: 25 }, (_, index) => `n${String(index).padStart(3, "0")}`);
    for (const name of names) world.daemon.write(`/many/${name}`, "");
    world.daemon.write("/many", "");
    world.daemon.listLimit = 10;
    assert.deepEqual(await world.value(world.store.directory("/many")), names);
    assert.deepEqual(world.daemon.names, ["directory", "directoryPart", "directoryPart", "directoryPart"]);
  });

  test("are listed anew when the list changes between two parts", async () => {
    const world = new World();
    for (const name of ["a", "c", "d"]) world.daemon.write(`/many/${name}`, "");
    world.daemon.write("/many", "");
    world.daemon.listLimit = 2;
    world.daemon.onRequest = () => {
      if (world.daemon.requests.length === 3) world.daemon.write("/many/b", "");
    };
    assert.deepEqual(await world.value(world.store.directory("/many")), ["a", "b", "c", "d"]);
  });

  test("a list that never stops changing ends in EAGAIN, or with its time", async () => {
    const world = new World();
    for (const name of ["a", "b", "c"]) world.daemon.write(`/many/${name}`, "");
    world.daemon.write("/many", "");
    world.daemon.listLimit = 1;
    world.daemon.onRequest = () => world.daemon.write("/many/a", "");
    assert.ok(refusal("EAGAIN")(await world.error(world.store.directory("/many"))));
    world.daemon.onRequest = () => {
      world.daemon.write("/many/a", "");
      world.hand.host.time += 400;
    };
    assert.ok((await world.error(world.store.directory("/many", { timeoutMs: 1000 }))) instanceof DeadlineError);
  });

  test("what the protocol cannot carry is refused and not sent", async () => {
    const world = new World();
    assert.ok(refusal("E2BIG")(await world.error(world.store.write("/a", "x".repeat(4096)))));
    assert.ok(refusal("EINVAL")(await world.error(world.store.read("/a\0b"))));
    assert.deepEqual(world.daemon.requests, []);
  });

  test("domains have paths, and are there or not", async () => {
    const world = new World();
    assert.equal(await world.value(world.store.getDomainPath(5)), "/local/domain/5");
    assert.equal(await world.value(world.store.isDomainIntroduced(0)), true);
    assert.equal(await world.value(world.store.isDomainIntroduced(5)), false);
  });
});

suite("a call", () => {
  test("ends at its deadline, and its late answer reaches nobody", async () => {
    const world = new World();
    world.daemon.write("/a", "one");
    world.daemon.write("/b", "two");
    world.daemon.held = [];
    const late = world.store.read("/a", { timeoutMs: 100 });
    late.catch(() => undefined);
    await world.hand.pass(150);
    assert.ok((await world.error(late)) instanceof DeadlineError);
    const next = world.store.read("/b");
    await world.hand.settle();
    world.daemon.letGo();
    assert.equal(await world.value(next), "two");
    assert.equal(world.store.state, "open");
  });

  test("ends with its signal, which keeps no listener", async () => {
    const world = new World();
    world.daemon.held = [];
    const controller = new AbortController();
    const aborted = world.store.read("/a", { signal: controller.signal });
    aborted.catch(() => undefined);
    await world.hand.settle();
    controller.abort(new Error("enough"));
    assert.match(String(await world.error(aborted)), /enough/);
    assert.deepEqual(getEventListeners(controller.signal, "abort"), []);
    world.daemon.letGo();
    await world.hand.settle();
    assert.equal(world.store.state, "open");
    assert.equal(world.hand.loop.size, 0);
  });

  test("is not sent when its signal is aborted or no time is left", async () => {
    const world = new World();
    const signal = AbortSignal.abort(new Error("too late"));
    assert.match(String(await world.error(world.store.read("/a", { signal }))), /too late/);
    assert.ok((await world.error(world.store.read("/a", { timeoutMs: 0 }))) instanceof DeadlineError);
    assert.deepEqual(world.daemon.requests, []);
  });
});

suite("the connection", () => {
  test("closing settles everything at once, and nothing is sent any more", async () => {
    const world = new World();
    world.daemon.held = [];
    const watch = world.store.watch("/a", () => assert.fail("fired"));
    const pending = [
      world.store.read("/a"),
      world.store.transaction(async (transaction) => transaction.read("/a")),
      watch.added,
    ];
    for (const each of pending) each.catch(() => undefined);
    world.store.close(new Error("done with it"));
    for (const each of pending) assert.match(String(await world.error(each)), /done with it/);
    assert.match(String(await world.error(world.store.read("/b"))), /done with it/);
    assert.throws(() => world.store.watch("/b", () => undefined), /done with it/);
    await world.value(watch.closed);
    assert.deepEqual([watch.state, String(watch.cause)], ["closed", "Error: done with it"]);
    assert.deepEqual([world.daemon.names, world.daemon.closed], [["watch", "read", "start"], true]);
    assert.equal(world.closes.length, 1);
    assert.equal(world.hand.loop.size, 0);
  });

  test("a transaction that waits for something else ends with the connection", async () => {
    const world = new World();
    const stuck = world.store.transaction(() => new Promise<never>(() => undefined));
    stuck.catch(() => undefined);
    await world.hand.settle();
    world.daemon.hangUp();
    assert.ok((await world.error(stuck)) instanceof XenstoreClosedError);
    assert.equal(world.hand.loop.size, 0);
  });

  test("ends when xenstored hangs up", async () => {
    const world = new World();
    world.daemon.held = [];
    const pending = world.store.read("/a");
    pending.catch(() => undefined);
    await world.hand.settle();
    world.daemon.hangUp();
    assert.ok((await world.error(pending)) instanceof XenstoreClosedError);
    assert.deepEqual([world.store.state, world.closes.length], ["closed", 1]);
  });

  for (const [what, bytes] of [
    ["an answer to nothing", [2, 99, 0, 0]],
    ["a body that is too long", [2, 1, 0, 4097]],
    ["an answer of another kind", [3, 1, 0, 0]],
  ] as const) {
    test(`${what} ends it`, async () => {
      const world = new World();
      world.daemon.held = [];
      const pending = world.store.read("/a");
      pending.catch(() => undefined);
      world.daemon.bytes(new Uint8Array(Uint32Array.from(bytes).buffer));
      assert.ok((await world.error(pending)) instanceof XenstoreClosedError);
      assert.equal(world.store.state, "closed");
    });
  }

  test("an answer may come in pieces, and several in one", async () => {
    const world = new World();
    world.daemon.write("/a", "one");
    const bytes: Uint8Array[] = [];
    world.daemon.bytes = (each) => bytes.push(each);
    const values = Promise.all([world.store.read("/a"), world.store.read("/a"), world.store.directory("/")]);
    await world.hand.settle();
    Reflect.deleteProperty(world.daemon, "bytes");
    const whole = Buffer.concat(bytes);
    for (const [from, to] of [
      [0, 1],
      [1, 17],
      [17, 20],
      [20, whole.length],
    ])
      world.daemon.bytes(whole.subarray(from, to));
    assert.deepEqual(await world.value(values), ["one", "one", ["a"]]);
  });

  test("is opened once, and nothing is called before", () => {
    const world = new World();
    assert.throws(() => world.store.open(), StateError);
  });
});
