import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Ready } from "../../src/event/host.ts";
import { Nexus } from "../../src/event/nexus.ts";
import { openLoop } from "../../src/os/event-loop.ts";
import * as libc from "../../src/os/libc.ts";
import { pairSockets } from "../../src/os/socket.ts";
import { DescriptorStorm } from "./descriptor-storm.ts";
import { openDescriptors } from "./descriptors.ts";

const seed = Number(process.env["VIRTWRIGHT_SEED"] ?? 20_121_204);
const cyclesPerTurn = 10;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Runs a storm on a loop of its own, and closes that. `onTenth` is told of each tenth of the way. */
async function run(cycles: number, onTenth: () => void): Promise<DescriptorStorm> {
  const loop = openLoop();
  const idle = Array.from({ length: 100 }, pairSockets).flat();
  for (const fd of idle) loop.watch(fd, Ready.readable, () => storm.failures.push(`idle fd ${fd} was called`));
  const storm = new DescriptorStorm(loop, seed, 64);
  await new Promise<void>((resolve) => {
    let tenths = 0;
    const beat = (): void => {
      storm.beat(cyclesPerTurn);
      for (; tenths <= Math.floor((storm.cycles * 10) / cycles); tenths++) onTenth();
      if (storm.cycles < cycles) loop.post(beat);
      else resolve();
    };
    loop.post(beat);
  });
  storm.end();
  await loop.close();
  assert.equal(loop.size, 0);
  for (const fd of idle) libc.close(fd);
  return storm;
}

test("100,000 times register, remove, close, reopen: nothing stale is delivered and nothing leaks", async (t) => {
  const cycles = 100_000;
  const before = openDescriptors();
  const heap: number[] = [];
  const storm = await run(cycles, () => {
    collectGarbage();
    heap.push(process.memoryUsage().heapUsed);
  });
  t.diagnostic(`seed ${seed}: ${storm.calls} callbacks, ${storm.registered} watches, ${storm.reused} numbers reused`);
  t.diagnostic(`heap by tenths, KiB: ${heap.map((bytes) => Math.round(bytes / 1024)).join(" ")}`);
  assert.deepEqual(storm.failures.slice(0, 10), []);
  assert.ok(storm.reused > cycles * 0.9, "numbers were reused all the time");
  assert.ok(storm.calls > cycles / 2, "the loop was under load");
  assert.equal(storm.released, storm.registered, "each release function ran once");
  assert.deepEqual(openDescriptors(), before);
  const [half = 0, ...later] = heap.slice(5);
  assert.ok(Math.max(...later) < half + 512 * 1024, "the heap is flat over the last half");
});

test("the same without the comparison of generations delivers stale events", async (t) => {
  t.mock.method(Nexus.prototype, "isCurrent", () => true);
  const { failures } = await run(2000, () => {});
  assert.match(failures[0] ?? "none", /nothing was sent/);
});
