import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RunRecords } from "../../../src/driver/qemu/run-record.ts";
import { Definition } from "../../../src/model/index.ts";
import { uuid, xml } from "./bench.ts";

function setUp(context: TestContext): { directory: string; records: RunRecords } {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-run-"));
  context.after(() => rmSync(directory, { recursive: true }));
  return { directory, records: new RunRecords(directory) };
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
