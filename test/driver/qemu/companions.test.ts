import assert from "node:assert/strict";
import { test } from "node:test";
import type { CompanionLaunch } from "../../../src/driver/qemu/index.ts";
import { Operations } from "../../../src/driver/qemu/operations.ts";
import type { RunRecord } from "../../../src/driver/qemu/run-record.ts";
import { Definition } from "../../../src/model/index.ts";
import { Bench, uuid, xml } from "./bench.ts";
import { FakeGuest, FakeProcess } from "./fake-host.ts";

const launch = (name: string): CompanionLaunch => ({
  name,
  binary: `/bin/${name}`,
  args: [],
  socket: `/run/${name}.sock`,
  logPath: "/log",
});

/** A driver whose guests have two companions; `kept`: what has been forgotten of guests. */
function open(bench: Bench): { operations: Operations; forgotten: string[]; released: () => number } {
  const forgotten: string[] = [];
  let released = 0;
  const operations = new Operations({
    ...bench.options,
    plan: async (definition) => ({
      ...(await bench.options.plan(definition)),
      companions: [launch("tpm0"), launch("fs0")],
      release: () => void released++,
    }),
    forgetState: async (id) => void forgotten.push(id),
  });
  return { operations, forgotten, released: () => released };
}

const signals = (bench: Bench): string[][] => bench.host.companions.map(({ process }) => process.signals);

test("companions are written down before they exist, serve before QEMU is launched, and end after it", async () => {
  const bench = new Bench();
  const { operations } = open(bench);
  const seen: unknown[] = [];
  const { records } = bench;
  const note = (record: RunRecord): void => {
    const noted = record.companions?.map((each) => each.process?.pid ?? "none");
    seen.push([bench.host.companions.length, bench.host.launched.length, noted]);
    records.set(record.definition.uuid, record);
  };
  Object.assign(bench.options.records, { write: note });
  await bench.done(operations.create(xml(), false, {}));
  assert.deepEqual(seen.slice(1, 4), [
    [0, 0, ["none", "none"]],
    [1, 0, [5000, "none"]],
    [2, 0, [5000, 5001]],
  ]);
  const domain = operations.guests.domains.byUuid(uuid);
  const { process } = bench.host.last;
  process.onSignal = () => assert.deepEqual(signals(bench), [[], []], "QEMU needs them to its end");
  const destroyed = bench.watch(operations.destroy(domain, false, {}));
  await bench.hand.settle();
  bench.host.last.end("SIGTERM");
  await bench.hand.settle();
  assert.deepEqual([destroyed.result, signals(bench)], ["ok", [["SIGTERM"], ["SIGTERM"]]]);
  bench.checkQuiet();
  assert.ok(bench.host.companions.every((each) => each.process.isClosed && !each.process.isWatched));
});

test("what does not end when it is told to is killed, and the record and the next start wait for that", async () => {
  const bench = new Bench();
  const { operations } = open(bench);
  await bench.done(operations.define(xml(), {}));
  const domain = operations.guests.domains.byUuid(uuid);
  await bench.done(operations.start(domain, {}, {}));
  const [tpm] = bench.host.companions;
  if (tpm !== undefined)
    tpm.process.onSignal = (signal) => signal === "SIGKILL" && tpm.process.exit({ signal: "SIGKILL" });
  await bench.done(operations.destroy(domain, false, {}));
  assert.equal(bench.records.size, 1, "the next daemon would have to end it");
  const again = bench.watch(operations.start(domain, {}, {}));
  await bench.hand.pass(1_900);
  assert.deepEqual([again.isSettled, bench.host.companions.length], [false, 2]);
  await bench.hand.pass(200);
  assert.deepEqual([again.result, tpm?.process.signals], ["ok", ["SIGTERM", "SIGKILL"]]);
  assert.equal(bench.records.get(uuid)?.companions?.length, 2, "of the second run");
  await bench.done(operations.destroy(domain, false, {}));
  bench.checkQuiet();
});

test("a start that fails leaves none behind, whatever failed", async () => {
  for (const fail of ["second", "launch", "plan"] as const) {
    const bench = new Bench();
    const { operations, released } = open(bench);
    if (fail === "plan") bench.planFailure = new Error("plan");
    if (fail === "launch") bench.host.failure = new Error("launch");
    if (fail === "second") {
      const once = bench.host.launchCompanion.bind(bench.host);
      bench.host.launchCompanion = (each) => {
        if (each.name === "fs0") throw new Error("second");
        return once(each);
      };
    }
    await assert.rejects(bench.done(operations.create(xml(), false, {})), new RegExp(fail));
    await bench.hand.settle();
    assert.ok(
      bench.host.companions.every(({ process }) => process.hasEnded && process.isClosed),
      fail,
    );
    assert.equal(released(), fail === "plan" ? 0 : 1);
    bench.checkQuiet();
  }
});

test("when one of them has died, that is why QEMU has", async () => {
  const bench = new Bench();
  const { operations } = open(bench);
  bench.host.obeys = false;
  const started = bench.watch(operations.create(xml(), false, {}));
  await bench.hand.settle();
  bench.host.companions[1]?.process.exit({ code: 1 });
  await bench.hand.settle();
  bench.host.last.transport.hangUp();
  bench.host.last.process.exit({ code: 1 });
  await bench.hand.settle();
  assert.match(started.result ?? "", /the process for 'fs0' died unexpectedly: its words/);
  bench.checkQuiet();
});

/** A guest that starts, whose QEMU says nothing on its monitor. */
async function starting(): Promise<{ bench: Bench; started: ReturnType<Bench["watch"]>; die: () => Promise<void> }> {
  const bench = new Bench();
  bench.host.obeys = false;
  const started = bench.watch(open(bench).operations.create(xml(), false, {}));
  await bench.hand.settle();
  const qemu = bench.host.last;
  qemu.words = "QEMU's words";
  const die = async (): Promise<void> => {
    qemu.transport.hangUp();
    qemu.process.exit({ code: 1 });
    await bench.hand.settle();
  };
  return { bench, started, die };
}

test("one that was dying before QEMU is why QEMU has, though QEMU's end is heard first", async () => {
  const { bench, started, die } = await starting();
  const [, share] = bench.host.companions;
  share?.process.beginToEnd();
  await die();
  assert.equal(started.isSettled, false, "it may not have said all yet");
  share?.process.exit({ code: 1 });
  await bench.hand.settle();
  assert.match(started.result ?? "", /the process for 'fs0' died unexpectedly: its words/);
  bench.checkQuiet();
});

test("when none was dying before QEMU, the start fails at once with what QEMU said", async () => {
  const { bench, started, die } = await starting();
  for (const { process } of bench.host.companions)
    process.onSignal = () => {
      process.beginToEnd();
      bench.hand.loop.post(() => process.exit({ code: 1 }));
    };
  await die();
  assert.match(started.result ?? "", /QEMU's words/, "they were told to go, and complain of it");
  bench.checkQuiet();
});

test("one that has gone because QEMU has is not why, though its end is heard first", async () => {
  const { bench, started, die } = await starting();
  bench.host.companions[1]?.process.exit({ code: 0 });
  await bench.hand.settle();
  await die();
  assert.match(started.result ?? "", /QEMU's words/);
  bench.checkQuiet();
});

test("one whose dying takes for ever does not keep the start from failing", async () => {
  const { bench, started, die } = await starting();
  bench.host.companions[1]?.process.beginToEnd();
  await die();
  await bench.hand.pass(1_900);
  assert.equal(started.isSettled, false);
  await bench.hand.pass(200);
  assert.match(started.result ?? "", /QEMU's words/);
});

test("one that dies alone is reported, and its guest runs on", async () => {
  const bench = new Bench();
  const { operations } = open(bench);
  await bench.done(operations.create(xml(), false, {}));
  bench.host.companions[0]?.process.exit({ code: 1 });
  await bench.hand.pass(1_900);
  assert.deepEqual(bench.reported, [], "its QEMU may be ending, too");
  await bench.hand.pass(200);
  assert.match(
    String(bench.reported),
    /the process for 'tpm0' died unexpectedly: its words; the guest runs on without it/,
  );
  assert.equal(operations.guests.domains.byUuid(uuid).status.state, 1);
});

test("they serve on when the driver closes, and the next one has them", async () => {
  const bench = new Bench();
  const { operations } = open(bench);
  await bench.done(operations.create(xml(), false, {}));
  await bench.done(operations.guests.close());
  assert.deepEqual(signals(bench), [[], []]);
  assert.ok(bench.host.companions.every(({ process }) => process.isClosed && !process.isWatched));
  bench.host.survivors.set(bench.host.last.process.identity.pid, new FakeGuest(bench.hand.loop, 1000, true));
  const next = open(bench).operations;
  await bench.done(next.guests.load());
  await bench.done(next.destroy(next.guests.domains.byUuid(uuid), false, {}));
  assert.deepEqual(signals(bench), [["SIGTERM"], ["SIGTERM"]]);
});

test("those of a guest that died while no daemon was there are ended, even if nobody lived to note their numbers", async () => {
  const bench = new Bench();
  const { operations } = open(bench);
  for (const name of ["tpm0", "fs0"])
    bench.host.companions.push({
      launch: launch(name),
      process: new FakeProcess(bench.hand.loop, name === "tpm0" ? 7 : 8),
    });
  for (const { process } of bench.host.companions) process.onSignal = () => process.exit();
  bench.records.set(uuid, {
    id: 7,
    process: { pid: 4711, startTime: 1 },
    companions: [
      { name: "tpm0", socket: "/run/tpm0.sock", process: { pid: 7, startTime: 7 } },
      { name: "fs0", socket: "/run/fs0.sock" },
    ],
    status: { state: 3, reason: 11 },
    definition: Definition.parse(xml()),
  });
  await bench.done(operations.guests.load());
  await bench.hand.settle();
  assert.deepEqual(signals(bench), [["SIGTERM"], ["SIGTERM"]]);
  assert.equal(bench.records.size, 0);
});

test("what they keep goes with the definition, or with a guest that has none, unless it was saved", async () => {
  const bench = new Bench();
  const { operations, forgotten } = open(bench);
  await bench.done(operations.define(xml(), {}));
  const domain = operations.guests.domains.byUuid(uuid);
  await bench.done(operations.start(domain, {}, {}));
  await bench.done(operations.destroy(domain, false, {}));
  assert.deepEqual(forgotten, [], "it is defined");
  await bench.done(operations.undefine(domain, {}, { keepsState: true }));
  assert.deepEqual(forgotten, []);
  await bench.done(operations.define(xml(), {}));
  await bench.done(operations.undefine(operations.guests.domains.byUuid(uuid), {}));
  assert.deepEqual(forgotten, [uuid]);
  await bench.done(operations.create(xml(), false, {}));
  await bench.done(operations.destroy(operations.guests.domains.byUuid(uuid), false, {}));
  await bench.hand.settle();
  assert.deepEqual(forgotten, [uuid, uuid], "it was transient");
});
