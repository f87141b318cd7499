import assert from "node:assert/strict";
import { test } from "node:test";
import { Observations } from "../../../src/driver/qemu/observation.ts";
import type { Run } from "../../../src/driver/qemu/run.ts";
import { DeadlineError } from "../../../src/event/index.ts";
import { Bench } from "./bench.ts";

async function setUp(): Promise<{ bench: Bench; observations: Observations; run: Run; answers: () => number }> {
  const bench = new Bench();
  const domain = await bench.running();
  const run = bench.guests.runOf(domain) ?? assert.fail("no run");
  const observations = new Observations(bench.hand.loop);
  const answers = (): number =>
    bench.host.last.transport.commands.filter(({ execute }) => execute === "query-name").length;
  return { bench, observations, run, answers };
}

test("an answer is of now, and one question serves all who ask it meanwhile", async () => {
  const { bench, observations, run, answers } = await setUp();
  const both = Promise.all([observations.ask(run, "query-name"), observations.ask(run, "query-name")]);
  assert.deepEqual(await bench.done(both), [
    { value: {}, ageMs: 0 },
    { value: {}, ageMs: 0 },
  ]);
  assert.equal(answers(), 1);
});

test("a QEMU that falls silent is waited for once; then its last answer counts, with its age", async () => {
  const { bench, observations, run, answers } = await setUp();
  await bench.done(observations.ask(run, "query-name"));
  bench.host.last.transport.onCommand = () => {};
  const first = observations.ask(run, "query-name");
  await bench.hand.pass(500);
  assert.equal((await bench.done(first)).ageMs, 500);
  const asked = answers();
  assert.equal((await bench.done(observations.ask(run, "query-name"))).ageMs, 500, "nobody waits for it again");
  await bench.hand.pass(1500);
  assert.equal((await bench.done(observations.ask(run, "query-name"))).ageMs, 2000);
  assert.equal(answers(), asked, "it is not asked again before it has answered");
});

test("of a QEMU that has never answered nothing is known", async () => {
  const { bench, observations, run } = await setUp();
  bench.host.last.transport.onCommand = () => {};
  const outcome = bench.watch(observations.ask(run, "query-name"));
  await bench.hand.settle();
  await bench.hand.pass(2000);
  assert.ok(outcome.error instanceof DeadlineError);
});
