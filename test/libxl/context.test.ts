import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { DeadlineError, StateError } from "../../src/event/index.ts";
import { ConfigError, LibxlError } from "../../src/libxl/index.ts";
import { Cell, open } from "./fake-library.ts";

const aborted = -22;

/** What a promise has come to by now: "pending", its value, or its error. */
function outcome(promise: Promise<unknown>): () => unknown {
  let now: unknown = "pending";
  promise.then(
    (value) => {
      now = value;
    },
    (error: unknown) => {
      now = error;
    },
  );
  return () => now;
}

suite("an operation of libxl", () => {
  test("settles in a later turn, even when the library ends it before the call returns", async () => {
    const { hand, library, context } = open();
    library.endsAtOnce = true;
    const result = outcome(context.create({ c_info: { name: "a" } }));
    await Promise.resolve();
    assert.equal(result(), "pending");
    await hand.settle();
    assert.equal(result(), 7);
    assert.deepEqual(context.outstanding, { registrations: 0, operations: 0, watches: 0 });
  });

  test("that the library refuses is an error at once, with the call and what was logged", async () => {
    const { library, context } = open();
    library.refusal = -6;
    const error = await context.pause(3).catch((reason: unknown) => reason);
    assert.ok(error instanceof LibxlError);
    assert.deepEqual([error.code, error.rc, error.call], ["INVAL", -6, "libxl pause"]);
    assert.deepEqual(library.calls, ["pause", "log"]);
  });

  test("that fails says what was complained of meanwhile, and which domain is left", async () => {
    const { hand, library, context } = open();
    const result = outcome(context.create({}));
    context.noteComplaint("no such kernel");
    library.started[0]?.listener.ended({ rc: -3, domid: 9 });
    await hand.settle();
    const error = result() as LibxlError;
    assert.deepEqual([error.message, error.domid], ["libxl create: FAIL: no such kernel", 9]);
  });

  test("is asked to stop when its signal is aborted, and keeps its memory until it has", async () => {
    const { hand, library, context } = open();
    const controller = new AbortController();
    const result = outcome(context.save(1, 5, { signal: controller.signal }));
    library.enter("a hook", () => controller.abort(new Error("changed my mind")));
    await hand.settle();
    assert.deepEqual([library.calls, result()], [["save", "abort save"], "pending"]);
    library.started[0]?.listener.ended({ rc: aborted });
    await hand.settle();
    const error = result() as LibxlError;
    assert.deepEqual([error.code, (error.cause as Error).message], ["ABORTED", "changed my mind"]);
  });

  test("that completes although it was to stop tells what it made", async () => {
    const { hand, library, context } = open();
    const controller = new AbortController();
    const result = outcome(context.create({}, { signal: controller.signal }));
    controller.abort();
    library.started[0]?.listener.ended({ rc: 0, domid: 4 });
    await hand.settle();
    assert.equal(result(), 4);
  });

  test("whose signal is aborted before it began never reaches the library", async () => {
    const { library, context } = open();
    await assert.rejects(context.destroy(1, { signal: AbortSignal.abort(new Error("no")) }), /no/);
    assert.deepEqual(library.calls, []);
  });

  test("is asked to stop at its deadline; one that does not even then is given up, and still counts", async () => {
    const { hand, library, context } = open();
    const result = outcome(context.destroy(1, { timeoutMs: 500 }));
    await hand.pass(450);
    assert.deepEqual([library.calls, result()], [["destroy"], "pending"]);
    await hand.pass(100);
    assert.deepEqual(library.calls, ["destroy", "abort destroy"]);
    await hand.pass(60_000, 1_000);
    assert.ok(result() instanceof DeadlineError);
    assert.equal(context.outstanding.operations, 1);
    library.started[0]?.listener.ended({ rc: 0 });
    await hand.settle();
    assert.equal(context.outstanding.operations, 0);
  });

  test("for a number of virtual CPUs that no domain can have never reaches the library", async () => {
    const { library, context } = open();
    for (const count of [0, 1.5, 9_000]) await assert.rejects(context.setVcpus(1, count), RangeError);
    assert.deepEqual(library.calls, []);
  });

  test("for a device is in libxl's words, and one that libxl would not understand never reaches it", async () => {
    const { hand, library, context } = open();
    const added = context.addDevice(1, "disk", { vdev: "xvda", colo_enable: false });
    const removed = context.removeDevice(1, "nic", "00:16:3e:00:00:01");
    for (const { listener } of library.started) listener.ended({ rc: 0 });
    await hand.settle();
    await Promise.all([added, removed]);
    assert.deepEqual(
      library.started.map(({ request }) => request),
      [
        { call: "addDevice", kind: "disk", domid: 1, config: '{"vdev":"xvda","colo_enable":"False"}' },
        { call: "removeDevice", kind: "nic", domid: 1, name: "00:16:3e:00:00:01" },
      ],
    );
    const misspelt = { vdve: "xvda" } as { vdev?: string };
    await assert.rejects(context.addDevice(1, "disk", misspelt), ConfigError);
    assert.equal(library.started.length, 2);
  });

  test("leaves no timer when it has ended", async () => {
    const { hand, library, context } = open();
    const done = context.unpause(1);
    library.started[0]?.listener.ended({ rc: 0 });
    await hand.settle();
    await done;
    assert.equal(hand.loop.size, 0);
  });

  test("tells of the console while it is under way", async () => {
    const { hand, library, context } = open();
    const heard: number[] = [];
    const created = context.create({}, { onConsole: (domid) => heard.push(domid) });
    library.started[0]?.listener.consoleAvailable(3);
    library.started[0]?.listener.ended({ rc: 0, domid: 3 });
    await hand.settle();
    assert.deepEqual([heard, await created], [[3], 3]);
  });
});

suite("a domain's events", () => {
  test("are told in order, from a later turn", async () => {
    const { hand, library, context } = open();
    const heard: string[] = [];
    context.watchDomain(1, ({ type }) => heard.push(type));
    library.enter("the library", () => {
      library.tellers[0]?.({ type: "shutdown", domid: 1, reason: "poweroff" });
      library.tellers[0]?.({ type: "death", domid: 1 });
    });
    assert.deepEqual(heard, []);
    await hand.settle();
    assert.deepEqual(heard, ["shutdown", "death"]);
  });

  test("are not told after the watch was removed, even if they had happened", async () => {
    const { hand, library, context } = open();
    const heard: string[] = [];
    const watch = context.watchDomain(1, ({ type }) => heard.push(type));
    library.tellers[0]?.({ type: "death", domid: 1 });
    watch.remove();
    watch.remove();
    await hand.settle();
    assert.deepEqual([heard, library.calls], [[], ["disable"]]);
  });

  test("whose listener throws hurt nobody else", async () => {
    const { hand, library, context } = open();
    const heard: string[] = [];
    const failing = new Error("listener");
    context.watchDomain(1, () => {
      throw failing;
    });
    context.watchDomain(1, ({ type }) => heard.push(type));
    for (const tell of library.tellers) tell({ type: "death", domid: 1 });
    await hand.settle();
    assert.deepEqual([heard, hand.errors], [["death"], [failing]]);
  });

  test("that cannot be had are an error", () => {
    const { library, context } = open();
    library.refusal = -21;
    assert.throws(() => context.watchDomain(99, () => {}), /DOMAIN_NOTFOUND/);
    assert.equal(context.outstanding.watches, 0);
  });
});

suite("a context", () => {
  test("knows no domain that the hypervisor does not, and throws what else it is told", () => {
    const { library, context } = open();
    assert.equal(context.domain(99), undefined);
    library.refusal = -3;
    assert.throws(() => context.domain(0), /FAIL/);
    assert.throws(() => context.domains(), /FAIL/);
    assert.throws(() => context.consolePath(0), /FAIL/);
    assert.throws(() => context.setMemoryTarget(0, 1), /FAIL/);
    assert.throws(() => context.shiftMemoryTarget(0, -1), /libxl_set_memory_target: FAIL/);
    assert.throws(() => context.neededMemory({}), /libxl_domain_need_memory: FAIL/);
    assert.throws(() => context.commandLine(), /libxl_get_version_info: FAIL/);
    assert.throws(() => context.physical(), /FAIL/);
    assert.throws(() => context.schedule(0), /FAIL/);
    assert.throws(() => context.setSchedule(0, { weight: 1 }), /FAIL/);
  });

  test("checks the configuration whose memory is asked for", () => {
    const { context } = open();
    assert.equal(context.neededMemory({ b_info: { max_memkb: 16_384 } }), 16_384n);
    assert.throws(() => context.neededMemory({ b_info: { max_memkbs: 1 } } as never), ConfigError);
  });

  test("closes once its operations have ended and its timeouts were completed, and not before", async () => {
    const { hand, library, context } = open();
    const operation = outcome(context.shutdown(1));
    context.watchDomain(1, () => {});
    const cell = new Cell();
    library.listener.hooks.timeoutRegister(cell, { seconds: 1_000, microseconds: 0 }, "a");
    library.onAbort = () => library.listener.hooks.timeoutModify(cell, { seconds: 0, microseconds: 0 });
    const closed = outcome(context.close());
    await hand.settle();
    assert.deepEqual(library.calls, ["shutdown", "disable", "abort shutdown", "timeout a"]);
    assert.equal(closed(), "pending");
    library.started[0]?.listener.ended({ rc: aborted });
    await hand.settle();
    assert.deepEqual(library.calls.slice(4), ["log", "dispose", "closed"]);
    assert.deepEqual([closed(), (operation() as LibxlError).code, context.state], [undefined, "ABORTED", "closed"]);
    assert.throws(() => context.domains(), StateError);
    assert.equal(hand.loop.size, 0);
  });

  test("waits for a timeout that is out before the library is disposed of", async () => {
    const { hand, library, context } = open();
    library.listener.hooks.timeoutRegister(new Cell(), { seconds: 5, microseconds: 0 }, "a");
    const closed = outcome(context.close());
    await hand.pass(4_900, 100);
    assert.deepEqual([library.calls, closed()], [[], "pending"]);
    await hand.pass(200);
    assert.deepEqual([library.calls, closed()], [["timeout a", "dispose", "closed"], undefined]);
  });

  test("that cannot be closed says what is left, and frees nothing", async () => {
    const { hand, library, context } = open();
    outcome(context.pause(1));
    const closed = outcome(context.close(1_000));
    await hand.pass(1_100, 100);
    assert.match(String(closed()), /1 operations and 0 registrations are left/);
    assert.ok(!library.calls.includes("dispose"));
  });

  test("does not tell a library that is gone of children", async () => {
    const { hand, library, context } = open();
    context.childEnded();
    await hand.settle();
    context.childEnded();
    await Promise.all([context.close(), hand.settle()]);
    context.childEnded();
    await hand.settle();
    assert.deepEqual(library.calls, ["child", "child", "dispose", "closed"]);
  });

  test("tells of the library's disaster and of what our functions threw inside it, from the loop", async () => {
    const { hand, library, disasters } = open();
    const error = new Error("in a hook");
    library.listener.disaster("out of memory");
    library.listener.failed(error);
    assert.deepEqual([disasters, hand.errors], [[], []]);
    await hand.settle();
    assert.deepEqual([disasters, hand.errors], [["out of memory"], [error]]);
  });
});
