import assert from "node:assert/strict";
import { suite, test } from "node:test";
import koffi, { type LibraryHandle } from "koffi";
import { type EventImpl, ForeignHost, Loop, Ready } from "../../src/event/index.ts";
import { loadLibvirt, types } from "./libvirt-so.ts";

const libvirt = loadLibvirt();

/** libvirt's default loop as an EventImpl: what it calls back goes through one C function each, told apart by id. */
function defaultImpl(library: LibraryHandle): EventImpl & { runOnce(): void } {
  library.func("int virEventRegisterDefaultImpl()")();
  const add = library.func("int virEventAddHandle(int fd, int events, void *cb, void *opaque, void *ff)");
  const addTimer = library.func("int virEventAddTimeout(int ms, void *cb, void *opaque, void *ff)");
  const update = library.func("void virEventUpdateHandle(int watch, int events)");
  const updateTimer = library.func("void virEventUpdateTimeout(int timer, int ms)");
  const remove = library.func("int virEventRemoveHandle(int watch)");
  const removeTimer = library.func("int virEventRemoveTimeout(int timer)");
  const run = library.func("int virEventRunDefaultImpl()");
  return {
    // SAFETY: the callbacks are registered for the life of the process, and libvirt calls them on this thread.
    addHandle: (fd, events, callback) =>
      add(fd, events, koffi.register(callback, types.handleCallback), null, null) as number,
    updateHandle: (id, events) => update(id, events),
    removeHandle: (id) => remove(id) === 0,
    addTimeout: (ms, callback) => addTimer(ms, koffi.register(callback, types.timerCallback), null, null) as number,
    updateTimeout: (id, ms) => updateTimer(id, ms),
    removeTimeout: (id) => removeTimer(id) === 0,
    runOnce: () => assert.equal(run(), 0),
  };
}

suite("our core, driven by libvirt's own loop", () => {
  test("watches, timeouts and posts keep their contract", {
    skip: typeof libvirt === "string" && libvirt,
  }, async () => {
    assert.ok(typeof libvirt !== "string");
    const libc = koffi.load(null);
    const ends = new Int32Array(2);
    assert.equal(libc.func("int pipe(void *ends)")(ends), 0);
    const [readEnd, writeEnd] = ends as unknown as [number, number];
    const write = libc.func("long write(int fd, const void *bytes, size_t length)");
    const read = libc.func("long read(int fd, void *bytes, size_t length)");

    const impl = defaultImpl(libvirt);
    const loop = new Loop(new ForeignHost(impl, { clock: () => performance.now() }), {
      onError: (error) => {
        throw error;
      },
    });
    const story: string[] = [];
    const runUntil = (entry: string): void => {
      for (let turn = 0; turn < 50 && !story.includes(entry); turn++) impl.runOnce();
      assert.ok(story.includes(entry), `${entry} is missing in ${story.join(", ")}`);
    };

    const watch = loop.watch(readEnd, Ready.readable, () => {
      read(readEnd, new Uint8Array(1), 1);
      story.push("readable");
    });
    loop.post(() => story.push("posted"));
    runUntil("posted");
    assert.deepEqual(story, ["posted"]);
    write(writeEnd, new Uint8Array(1), 1);
    runUntil("readable");

    const start = loop.now();
    loop.timeout(start + 5, () => story.push("timeout"));
    runUntil("timeout");
    assert.ok(loop.now() >= start + 5, "never early, although libvirt's own timers may be");

    write(writeEnd, new Uint8Array(1), 1);
    watch.remove();
    loop.post(() => story.push("after remove"));
    runUntil("after remove");
    assert.equal(story.filter((entry) => entry === "readable").length, 1, "nothing after remove");
    assert.equal(watch.state, "released");

    const closed = loop.close();
    impl.runOnce();
    await closed;
  });
});
