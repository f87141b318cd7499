import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RunRecords } from "../../../src/driver/qemu/run-record.ts";
import { Definition } from "../../../src/model/index.ts";
import { uuid, xml } from "./bench.ts";

function setUp(context: TestContext): { directory: string; records: RunRecords } {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-run-"));
  const records = new RunRecords(directory);
  context.after(() => {
    records.close();
    rmSync(directory, { recursive: true });
  });
  return { directory, records };
}

const definition = Definition.parse(xml());
const status = { state: 1, reason: 5 };

test("a record reads back as it was written", (context) => {
  const { records } = setUp(context);
  records.write({ id: 3, process: { pid: 4, startTime: 5 }, status, definition });
  const [record, ...others] = records.readAll(assert.fail);
  assert.deepEqual([record?.id, record?.process, record?.status], [3, { pid: 4, startTime: 5 }, status]);
  assert.equal(record?.definition.toXml(), definition.toXml());
  assert.deepEqual(others, []);
});

test("a record of a process that is not there yet has none", (context) => {
  const { records } = setUp(context);
  records.write({ id: 3, status, definition });
  assert.equal(records.readAll(assert.fail)[0]?.process, undefined);
});

test("removing takes the monitor's socket along", (context) => {
  const { records } = setUp(context);
  records.write({ id: 3, status, definition });
  writeFileSync(records.monitorPath(uuid), "");
  records.remove(uuid);
  records.remove(uuid);
  assert.deepEqual(records.readAll(assert.fail), []);
  assert.ok(!existsSync(records.monitorPath(uuid)));
});

test("what is no record is told, kept, and does not hide the others", (context) => {
  const { directory, records } = setUp(context);
  records.write({ id: 3, status, definition });
  for (const [name, text] of [
    ["a.json", "{"],
    ["b.json", "{}"],
    ["c.json", "null"],
  ] as const) {
    writeFileSync(join(directory, name), text);
  }
  const unreadable: string[] = [];
  assert.equal(records.readAll((path) => unreadable.push(path)).length, 1);
  assert.deepEqual(
    unreadable.sort(),
    ["a.json", "b.json", "c.json"].map((name) => join(directory, name)),
  );
  assert.ok(existsSync(join(directory, "a.json")));
});

test("a directory has one driver at a time, and the next when that has closed", (context) => {
  const { directory, records } = setUp(context);
  assert.throws(() => new RunRecords(directory), /lock is already served: stop that daemon/);
  records.close();
  records.close();
  const next = new RunRecords(directory);
  records.close();
  assert.throws(() => new RunRecords(directory), /already served/, "closing twice closes nobody else's");
  next.close();
});

test("monitors can be elsewhere, and then both directories are this driver's", (context) => {
  const { directory } = setUp(context);
  const [deep, short] = [join(directory, "deep"), join(directory, "short")];
  const records = new RunRecords(deep, short);
  records.write({ id: 3, status, definition });
  assert.deepEqual(readdirSync(deep), [`${uuid}.json`]);
  assert.equal(records.monitorPath(uuid), join(short, `${uuid}.monitor`));
  writeFileSync(records.monitorPath(uuid), "");
  assert.throws(() => new RunRecords(deep, short), /already served/);
  records.remove(uuid);
  assert.deepEqual([readdirSync(deep), readdirSync(short)], [[], ["lock"]]);
  records.close();
});

test("after a boot the number of a process means nothing", (context) => {
  const { directory, records } = setUp(context);
  records.write({ id: 3, process: { pid: 4, startTime: 5 }, status, definition });
  const path = join(directory, `${uuid}.json`);
  writeFileSync(path, readFileSync(path, "utf8").replace(/"boot":"[^"]+"/, '"boot":"another"'));
  const [record] = records.readAll(assert.fail);
  assert.deepEqual([record?.id, record?.process], [3, undefined]);
});

test("a record that is there is not taken for a free place", (context) => {
  const { directory, records } = setUp(context);
  records.checkFree(uuid);
  writeFileSync(join(directory, `${uuid}.json`), "{");
  assert.throws(() => records.checkFree(uuid), /may still be running: end its QEMU, then remove the file/);
});
