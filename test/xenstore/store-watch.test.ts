import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { DeadlineError, StateError } from "../../src/event/index.ts";
import { releaseDomain, XenstoreError } from "../../src/xenstore/index.ts";
import { World } from "./world.ts";

suite("a store watch", () => {
  test("fires at the beginning, and then for what changes at its path and below", async () => {
    const world = new World();
    const fired: string[] = [];
    const watch = world.store.watch("/a", (path) => fired.push(path));
    assert.equal(watch.state, "adding");
    await world.value(watch.added);
    world.daemon.write("/a/b", "1");
    world.daemon.write("/c", "1");
    await world.hand.settle();
    assert.deepEqual([watch.state, fired], ["active", ["/a", "/a/b"]]);
  });

  test("may be one for domains that come and go", async () => {
    const world = new World();
    const fired: string[] = [];
    world.store.watch(releaseDomain, (path) => fired.push(path));
    await world.hand.settle();
    assert.deepEqual(fired, ["@releaseDomain"]);
  });

  test("is silent once removed, though its events are on their way", async () => {
    const world = new World();
    const fired: string[] = [];
    const watch = world.store.watch("/a", (path) => fired.push(path));
    await world.hand.settle();
    world.daemon.write("/a", "1");
    watch.remove();
    assert.equal(watch.state, "removed");
    await world.value(watch.closed);
    assert.deepEqual([watch.state, fired, world.daemon.watches.size], ["closed", ["/a"], 0]);
  });

  test("hears nothing of the one before it at the same path", async () => {
    const world = new World();
    const first = world.store.watch("/a", () => undefined);
    await world.hand.settle();
    const stale = world.daemon.requests[0]?.strings[1] ?? "";
    first.remove();
    const fired: string[] = [];
    world.store.watch("/a", (path) => fired.push(path));
    await world.hand.settle();
    world.daemon.fire("/a/stale", stale);
    world.daemon.fire("/a/nonsense", "x");
    world.daemon.fire("/a/none", "");
    await world.hand.settle();
    assert.deepEqual(fired, ["/a"]);
    assert.notEqual(world.daemon.requests.at(-1)?.strings[1], stale);
  });

  test("may remove itself, and another one whose event comes behind", async () => {
    const world = new World();
    const fired: string[] = [];
    world.daemon.held = [];
    const one = world.store.watch("/a", () => {
      fired.push("one");
      one.remove();
      two.remove();
    });
    const two = world.store.watch("/a", () => fired.push("two"));
    await world.hand.settle();
    world.daemon.letGo();
    await Promise.all([world.value(one.closed), world.value(two.closed)]);
    assert.deepEqual([fired, world.daemon.watches.size], [["one"], 0]);
  });

  test("may be removed before xenstored has accepted it", async () => {
    const world = new World();
    const watch = world.store.watch("/a", () => assert.fail("fired"));
    watch.added.catch(() => undefined);
    watch.remove();
    watch.remove();
    assert.ok((await world.error(watch.added)) instanceof StateError);
    await world.value(watch.closed);
    assert.deepEqual([world.daemon.names, world.daemon.watches.size], [["watch", "unwatch"], 0]);
  });

  test("that xenstored refuses ends, and says why", async () => {
    const world = new World();
    const watch = world.store.watch("bad path", () => assert.fail("fired"));
    const error = await world.error(watch.added);
    assert.ok(error instanceof XenstoreError && error.errno === "EINVAL");
    assert.deepEqual([watch.state, watch.cause], ["closed", error]);
    const other = world.store.watch("/a\0b", () => assert.fail("fired"));
    assert.ok((await world.error(other.added)) instanceof XenstoreError);
    assert.equal(other.state, "closed");
  });

  test("that was given up is not left behind on xenstored's side", async () => {
    const world = new World();
    world.daemon.held = [];
    const watch = world.store.watch("/a", () => assert.fail("fired"), { timeoutMs: 100 });
    watch.added.catch(() => undefined);
    await world.hand.pass(150);
    assert.ok((await world.error(watch.added)) instanceof DeadlineError);
    world.daemon.letGo();
    await world.value(watch.closed);
    assert.equal(world.daemon.watches.size, 0);
  });

  test("that throws disturbs nobody and is reported", async () => {
    const world = new World();
    world.store.watch("/a", () => {
      throw new Error("in a callback");
    });
    const other = world.store.watch("/a", () => undefined);
    await world.value(other.added);
    assert.match(String(world.hand.errors[0]), /in a callback/);
    assert.equal(world.store.state, "open");
  });

  test("may close the connection from within", async () => {
    const world = new World();
    const watch = world.store.watch("/a", () => world.store.close());
    const other = world.store.watch("/a", () => assert.fail("fired"));
    await Promise.all([world.value(watch.closed), world.value(other.closed)]);
    assert.equal(world.hand.loop.size, 0);
  });

  test("is disposed of with `await using`", async () => {
    const world = new World();
    const using = (async () => {
      await using watch = world.store.watch("/a", () => undefined);
      await watch.added;
    })();
    await world.value(using);
    assert.equal(world.daemon.watches.size, 0);
  });
});
