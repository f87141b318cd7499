import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { select } from "../../../src/cli/audit/audit.ts";
import { AuditFile, readAudit } from "../../../src/cli/audit/audit-file.ts";
import type { AuditRecord } from "../../../src/daemon/index.ts";

const directory = mkdtempSync(join(tmpdir(), "virtwright-audit-"));
const fail = (error: unknown): never => {
  throw error;
};
const record = (call: string, more: Partial<AuditRecord> = {}): AuditRecord => ({
  who: "user 'alice' from 192.0.2.1:5",
  door: "tls",
  call,
  object: "web-1",
  result: "done",
  durationMs: 0.44,
  ...more,
});

suite("records of what was changed", () => {
  after(() => rmSync(directory, { recursive: true }));

  test("are read as they were written, without what a crash has cut", () => {
    const path = join(directory, "a");
    using file = new AuditFile(path, { clock: () => new Date(0), onError: fail });
    file.write(record("virDomainCreate"));
    appendFileSync(path, '{"time":"1970-01-01T00:00:00.0');
    assert.deepEqual(readAudit(path), [
      { time: "1970-01-01T00:00:00.000Z", ...record("virDomainCreate"), durationMs: 0.4 },
    ]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test("go on in a new file when the old one is large, and are found in both", () => {
    const path = join(directory, "b");
    using file = new AuditFile(path, { limit: 200, onError: fail });
    for (const call of ["one", "two", "three"]) file.write(record(call));
    assert.deepEqual(
      readAudit(path).map(({ call }) => call),
      ["one", "two", "three"],
    );
    assert.equal(readFileSync(path, "utf8").split("\n").length, 2);
  });

  test("begin a line of their own behind one that a crash has cut", () => {
    const path = join(directory, "c");
    appendFileSync(path, '{"time":"1970-01-01T00:00:00.0');
    using file = new AuditFile(path, { onError: fail });
    for (const call of ["one", "two"]) file.write(record(call));
    assert.deepEqual(
      readAudit(path).map(({ call }) => call),
      ["one", "two"],
    );
  });

  test("go on in the old file when there can be no new one, which is told once", () => {
    const path = join(directory, "d");
    mkdirSync(`${path}.1`);
    const errors: unknown[] = [];
    using file = new AuditFile(path, { limit: 100, onError: (error) => errors.push(error) });
    for (const call of ["one", "two", "three"]) file.write(record(call));
    assert.equal(readFileSync(path, "utf8").trim().split("\n").length, 3);
    assert.equal(errors.length, 1);
  });

  test("are chosen by who, what, where and when", () => {
    const records = [
      { time: "2026-11-28T00:00:00.000Z", ...record("virDomainCreate") },
      {
        time: "2026-11-29T00:00:00.000Z",
        ...record("virDomainDestroy", { result: "denied", who: "user 0, process 1" }),
      },
      { time: "2026-11-29T01:00:00.000Z", ...record("virNetworkCreate", { object: "default" }) },
    ];
    const calls = (query: Parameters<typeof select>[1]): string[] =>
      select(records, query, Date.parse("2026-11-29T01:30:00Z")).map(({ call }) => call);
    assert.deepEqual(calls({ who: "alice" }), ["virDomainCreate", "virNetworkCreate"]);
    assert.deepEqual(calls({ call: "destroy" }), ["virDomainDestroy"]);
    assert.deepEqual(calls({ object: "web" }), ["virDomainCreate", "virDomainDestroy"]);
    assert.deepEqual(calls({ result: "denied" }), ["virDomainDestroy"]);
    assert.deepEqual(calls({ since: "1h" }), ["virNetworkCreate"]);
    assert.deepEqual(calls({ since: "2026-11-29" }), ["virDomainDestroy", "virNetworkCreate"]);
    assert.deepEqual(calls({ last: "1" }), ["virNetworkCreate"]);
    for (const query of [{ result: "bad" }, { since: "yesterday" }, { last: "x" }])
      assert.throws(() => calls(query), { name: "UsageError" });
  });
});
