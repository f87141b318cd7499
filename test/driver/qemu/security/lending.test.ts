import assert from "node:assert/strict";
import { test } from "node:test";
import { Operations } from "../../../../src/driver/qemu/operations.ts";
import type { GuestFile } from "../../../../src/driver/qemu/security/guest-files.ts";
import { Definition } from "../../../../src/model/index.ts";
import { Bench, uuid, xml } from "../bench.ts";

const other = uuid.replace("0", "1");

/** A driver whose files are lent by hand: what happens to them stands among the events. */
function open(bench: Bench, borrowers: readonly string[] = []): Operations {
  const named = (files: readonly GuestFile[]): string => files.map(({ path }) => path).join(" ");
  return new Operations({
    ...bench.options,
    loans: {
      borrowers: [...borrowers],
      lend: async (_definition, files) => void bench.log.push(`lent ${named(files ?? [])}`),
      takeBack: (id, unlessIn) => bench.log.push(`taken back from ${id[0]} but ${named(unlessIn ?? [])}`.trim()),
    },
  });
}

test("what a guest has goes back before anybody hears of its end", async () => {
  const bench = new Bench();
  const operations = open(bench);
  await bench.done(operations.create(xml(), false, {}));
  const { process, transport } = bench.host.last;
  bench.log.length = 0;
  transport.hangUp();
  process.exit();
  await bench.hand.settle();
  assert.deepEqual(bench.log, ["taken back from 0 but", "stopped failed"]);
});

test("a guest that left nothing but its files gives them back to the next daemon, one that may run does not", async () => {
  const bench = new Bench();
  const definition = Definition.parse(xml());
  bench.records.set(uuid, { id: 7, process: { pid: 1, startTime: 1 }, status: { state: 1, reason: 1 }, definition });
  bench.host.find = () => {
    throw new Error("too many open files");
  };
  const operations = open(bench, [uuid, other]);
  await bench.done(operations.guests.load());
  assert.deepEqual(bench.log, ["taken back from 1 but"]);
  assert.match(String(bench.reported), /too many open files/);
});

test("a file that a run is about to use is not taken back meanwhile, and is afterwards unless the run shows it", async () => {
  const bench = new Bench();
  const operations = open(bench);
  await bench.done(operations.create(xml(), false, {}));
  const domain = operations.guests.domains.byUuid(uuid);
  const run = operations.guests.runOf(domain) ?? assert.fail();
  bench.log.length = 0;
  const gate = Promise.withResolvers<void>();
  const lending = operations.guests.lending.during(run, [{ path: "/new", isWritten: true }], () => gate.promise);
  await bench.hand.settle();
  operations.guests.lending.takeBackUnused(run);
  gate.reject(new Error("no"));
  await assert.rejects(bench.done(lending), /^Error: no$/);
  assert.deepEqual(bench.log, ["lent /new", "taken back from 0 but /new", "taken back from 0 but"]);
});

test("what was lent to a run that has ended meanwhile goes back", async () => {
  const bench = new Bench();
  const operations = open(bench);
  await bench.done(operations.create(xml(), false, {}));
  const run = operations.guests.runOf(operations.guests.domains.byUuid(uuid)) ?? assert.fail();
  const gate = Promise.withResolvers<void>();
  const lending = operations.guests.lending.during(run, [{ path: "/new", isWritten: true }], () => gate.promise);
  await bench.hand.settle();
  bench.host.last.end("SIGKILL");
  await bench.hand.settle();
  gate.resolve();
  await bench.done(lending);
  assert.deepEqual(bench.log.slice(-3), ["taken back from 0 but", "stopped failed", "taken back from 0 but"]);
});
