import assert from "node:assert/strict";
import { test } from "node:test";
import type { LaunchPlan } from "../../../src/driver/qemu/index.ts";
import { Bench } from "./bench.ts";
import type { FakeGuest } from "./fake-host.ts";

/** A bench where QEMU finds its port taken so many times, if that is why it ends. */
function losing(times: number, isLost = true): Bench {
  const bench = new Bench();
  const { plan } = bench.options;
  const launch = bench.host.launch.bind(bench.host);
  let left = times;
  Object.assign(bench.options, {
    plan: async (...args: Parameters<typeof plan>): Promise<LaunchPlan> => ({
      ...(await plan(...args)),
      hasLostPort: async () => isLost,
    }),
  });
  bench.host.launch = async (made) => {
    const guest = (await launch(made)) as FakeGuest;
    if (left-- > 0) guest.transport.onOpen = () => guest.end("SIGKILL");
    return guest;
  };
  return bench;
}

test("a guest whose port was taken by somebody faster is started again with another, and nobody is told", async () => {
  const bench = losing(2);
  const domain = await bench.defined();
  await bench.done(bench.operations.start(domain, {}, {}));
  assert.deepEqual(
    [bench.host.launched.length, bench.status, bench.log],
    [3, "running 1", ["resumed unpaused", "started booted"]],
  );
  await bench.done(bench.operations.destroy(domain, false, {}));
  bench.checkQuiet();
});

test("one that ends for another reason is not", async () => {
  const bench = losing(1, false);
  const domain = await bench.defined();
  const outcome = bench.watch(bench.operations.start(domain, {}, {}));
  await bench.hand.settle();
  assert.match(outcome.result ?? "", /process exited/);
  assert.deepEqual([bench.host.launched.length, bench.status], [1, "shutoff 6"]);
  bench.checkQuiet();
});

test("it is not tried for ever", async () => {
  const bench = losing(100);
  const domain = await bench.defined();
  const outcome = bench.watch(bench.operations.start(domain, {}, {}));
  await bench.hand.settle();
  assert.match(outcome.result ?? "", /process exited/);
  assert.equal(bench.host.launched.length, 5);
  bench.checkQuiet();
});

test("a guest that somebody wants to end is not started again", async () => {
  const bench = losing(1);
  const domain = await bench.defined();
  const launch = bench.host.launch.bind(bench.host);
  bench.host.launch = async (plan) => {
    const guest = (await launch(plan)) as FakeGuest;
    guest.transport.onOpen = () => bench.guests.runOf(domain)?.destroy(false);
    return guest;
  };
  const outcome = bench.watch(bench.operations.start(domain, {}, {}));
  await bench.hand.settle();
  assert.notEqual(outcome.result, "ok");
  assert.equal(bench.host.launched.length, 1);
  bench.checkQuiet();
});
