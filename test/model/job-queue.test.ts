import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Deferred } from "../../src/event/index.ts";
import { type JobKind, JobQueue, JobWaits } from "../../src/model/index.ts";
import { ErrorCode, VirError } from "../../src/protocol/index.ts";
import { HandLoop } from "../qmp/hand-host.ts";

test("jobs run one at a time, in the order of asking", async () => {
  const { loop } = new HandLoop();
  const jobs = new JobQueue(loop);
  const log: string[] = [];
  const job = (name: string, gate: Deferred): Promise<void> =>
    jobs.run({ operation: name }, async () => {
      log.push(`${name} begins`);
      await gate.promise;
      log.push(`${name} ends`);
    });
  const gates = [new Deferred(), new Deferred(), new Deferred()] as const;
  const all = [job("a", gates[0]), job("b", gates[1]), job("c", gates[2])];
  gates[2].resolve();
  gates[1].resolve();
  await new Promise(setImmediate);
  assert.deepEqual(log, ["a begins"]);
  assert.equal(jobs.holder?.operation, "a");
  gates[0].resolve();
  await Promise.all(all);
  assert.deepEqual(log, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  assert.equal(jobs.holder, undefined);
});

test("how long everybody has waited is counted, of those who gave up as well", async () => {
  const hand = new HandLoop();
  const waits = new JobWaits();
  const jobs = new JobQueue(hand.loop, waits);
  const gate = new Deferred();
  const first = jobs.run({ operation: "save" }, () => gate.promise);
  const second = jobs.run({ operation: "suspend" }, () => {});
  const late = assert.rejects(jobs.run({ operation: "resume", deadline: 1_000 }, () => {}));
  assert.equal(waits.waiting, 2);
  await hand.pass(3_000);
  await late;
  gate.resolve();
  await Promise.all([first, second]);
  const { begun, givenUp, waiting } = waits;
  assert.deepEqual([begun.count, begun.totalMs, givenUp.count, givenUp.totalMs, waiting], [2, 3_000, 1, 1_000, 0]);
});

test("who has all the time there is waits as long as it takes", async () => {
  const hand = new HandLoop();
  const jobs = new JobQueue(hand.loop);
  const gate = new Deferred();
  const holder = jobs.run({ operation: "save" }, () => gate.promise);
  const late = jobs.run({ operation: "end", deadline: Number.POSITIVE_INFINITY }, () => "ran");
  await hand.pass(1_000_000, 100_000);
  gate.resolve();
  await holder;
  assert.equal(await late, "ran");
  await hand.settle();
  assert.equal(hand.loop.size, 0);
});

test("who waits too long is told who is in the way, and since when", async () => {
  const hand = new HandLoop();
  const jobs = new JobQueue(hand.loop);
  const gate = new Deferred();
  const holder = jobs.run({ operation: "save" }, () => gate.promise);
  await hand.pass(2000);
  let error: unknown;
  const late = jobs.run({ operation: "suspend", deadline: 5000 }, () => assert.fail("ran"));
  late.catch((reason: unknown) => {
    error = reason;
  });
  await hand.pass(3000);
  assert.ok(error instanceof VirError);
  assert.equal(error.code, ErrorCode.operationTimeout);
  assert.match(error.message, /within 3\.0 s \(held by save \(modify\) for 5\.0 s\)$/);
  gate.resolve();
  await holder;
  assert.equal(hand.loop.size, 0);
});

test("an aborted wait ends with the signal's reason, and the next in line goes on", async () => {
  const { loop } = new HandLoop();
  const jobs = new JobQueue(loop);
  const gate = new Deferred();
  const controller = new AbortController();
  const holder = jobs.run({ operation: "a" }, () => gate.promise);
  const aborted = jobs.run({ operation: "b", signal: controller.signal }, () => assert.fail("ran"));
  const next = jobs.run({ operation: "c" }, () => "c");
  controller.abort(new Error("gone"));
  gate.resolve();
  await assert.rejects(aborted, /gone/);
  assert.equal(await next, "c");
  await holder;
});

test("an abort between the handing over and the beginning counts", async () => {
  const jobs = new JobQueue(new HandLoop().loop);
  const gate = new Deferred();
  let aborted = false;
  const signal = {
    addEventListener: () => {},
    // Called as the waiter is handed the job, before it has run.
    removeEventListener: () => {
      aborted = true;
    },
    throwIfAborted: () => {
      if (aborted) throw new Error("late");
    },
  } as unknown as AbortSignal;
  const holder = jobs.run({ operation: "a" }, () => gate.promise);
  const second = jobs.run({ operation: "b", signal }, () => assert.fail("ran"));
  const third = jobs.run({ operation: "c" }, () => "c");
  gate.resolve();
  await holder;
  await assert.rejects(second, /late/);
  assert.equal(await third, "c");
});

test("a body that throws hands on all the same", async () => {
  const { loop } = new HandLoop();
  const jobs = new JobQueue(loop);
  const bad = jobs.run({ operation: "a" }, () => Promise.reject(new Error("bad")));
  const good = jobs.run({ operation: "b" }, () => "good");
  await assert.rejects(bad, /bad/);
  assert.equal(await good, "good");
});

test("whatever ends first, never two at once, and every job settles exactly once", async () => {
  const step = fc.record({ at: fc.nat(5), what: fc.constantFrom("ask", "finish", "abort", "pass") });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const hand = new HandLoop();
      const jobs = new JobQueue(hand.loop);
      const gates: Deferred[] = [];
      const signals: AbortController[] = [];
      let inside = 0;
      let asked = 0;
      let settled = 0;
      for (const { at, what } of steps) {
        if (what === "ask") {
          const gate = new Deferred();
          const controller = new AbortController();
          const body = async (): Promise<void> => {
            assert.equal(++inside, 1);
            await gate.promise;
            inside--;
          };
          const request = { operation: `${asked++}`, deadline: hand.loop.now() + 150, signal: controller.signal };
          gates.push(gate);
          signals.push(controller);
          jobs.run(request, body).then(
            () => settled++,
            () => settled++,
          );
        }
        if (what === "finish") gates[at % gates.length]?.resolve();
        if (what === "abort") signals[at % signals.length]?.abort();
        if (what === "pass") await hand.pass(100);
      }
      for (const gate of gates) gate.resolve();
      await hand.settle();
      assert.deepEqual([inside, settled, jobs.isIdle], [0, asked, true]);
      assert.equal(hand.loop.size, 0);
    }),
  );
});

test("who waits for an async job is told of it, of its owner, and of who is beside it", async () => {
  const hand = new HandLoop();
  const jobs = new JobQueue(hand.loop);
  const gate = new Deferred();
  const save = jobs.run({ operation: "save", kind: "async", owner: "client 12" }, () => gate.promise);
  const query = jobs.run({ operation: "domstats", kind: "query" }, () => gate.promise);
  const messages: string[] = [];
  const late = (["modify", "query"] as const).map((kind) =>
    jobs
      .run({ operation: "late", kind, deadline: 1000 }, () => assert.fail("ran"))
      .catch((error: VirError) => messages.push(error.message)),
  );
  await hand.pass(1000);
  await Promise.all(late);
  assert.match(messages[0] ?? "", /held by save \(async, client 12\) for 1\.0 s and domstats \(query\) for 1\.0 s\)$/);
  assert.match(messages[1] ?? "", /held by domstats \(query\) for 1\.0 s\)$/, "save is not in the way of a query");
  gate.resolve();
  await Promise.all([save, query]);
  assert.ok(jobs.isIdle);
});

test("an async job says how far it has come, and allows beside it what its request says", async () => {
  const jobs = new JobQueue(new HandLoop().loop);
  const gate = new Deferred();
  const beside = new Set<JobKind>(["modify"]);
  const dump = jobs.run({ operation: "dump", kind: "async", beside }, async (work) => {
    work.report({ memory: { total: 4n, processed: 1n, remaining: 3n } });
    await gate.promise;
  });
  assert.equal(jobs.asyncJob?.operation, "dump");
  assert.equal(jobs.asyncJob.progress?.memory?.remaining, 3n);
  assert.equal(await jobs.run({ operation: "rename" }, () => "at once"), "at once");
  let asked = false;
  const query = jobs.run({ operation: "dominfo", kind: "query" }, () => {
    asked = true;
  });
  await new Promise(setImmediate);
  assert.equal(asked, false, "not in its set");
  gate.resolve();
  await Promise.all([dump, query]);
  assert.equal(jobs.asyncJob, undefined);
});

test("an async job aborted between the handing over and its beginning does not begin", async () => {
  const jobs = new JobQueue(new HandLoop().loop);
  const gate = new Deferred();
  const holder = jobs.run({ operation: "suspend" }, () => gate.promise);
  const save = jobs.run({ operation: "save", kind: "async" }, () => assert.fail("ran"));
  assert.equal(jobs.abortAsync(new Error("too early")), false);
  gate.resolve();
  // The first that happens after the handing over, and before the waiter hears of it.
  while (!jobs.abortAsync(new Error("stop"))) await Promise.resolve();
  await assert.rejects(save, /stop/);
  await holder;
  assert.ok(jobs.isIdle);
});

test("a job that need not wait makes no timer", async () => {
  const { loop } = new HandLoop();
  const jobs = new JobQueue(loop);
  const timers = await jobs.run({ operation: "suspend" }, () => loop.size);
  assert.equal(timers, 0);
});
