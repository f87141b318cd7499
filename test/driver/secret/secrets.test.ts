import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { parseSecret } from "../../../src/driver/secret/secret-definition.ts";
import { secretProcedures } from "../../../src/driver/secret/secret-procedures.ts";
import { Secrets } from "../../../src/driver/secret/secrets.ts";
import { ErrorCode, type ObjectEvent } from "../../../src/protocol/index.ts";

const uuid = "11111111-2222-3333-4444-555555555555";
const other = "11111111-2222-3333-4444-666666666666";

function text(attributes = "", inside = "", id = uuid): string {
  return `<secret ${attributes}><uuid>${id}</uuid>${inside}</secret>`;
}

const ceph = "<usage type='ceph'><name>admin</name></usage>";

describe("secrets", () => {
  const events: ObjectEvent[] = [];
  const reported: unknown[] = [];
  let directory: string;
  let secrets: Secrets;

  async function open(): Promise<void> {
    secrets = await Secrets.open(
      directory,
      (event) => events.push(event),
      (error) => reported.push(error),
    );
  }
  const define = (xml: string) => secrets.define(parseSecret(xml));

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "virtwright-secrets-"));
    events.length = 0;
    reported.length = 0;
    await open();
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
    assert.deepEqual(reported, []);
  });

  it("are kept with their values, for their owner alone", async () => {
    await define(text("", ceph));
    await secrets.setValue(uuid, Buffer.from("geheim"));
    for (const name of readdirSync(directory)) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name);
    await open();
    assert.equal(Buffer.from(secrets.valueOf(uuid)).toString(), "geheim");
    assert.deepEqual(secrets.byUsage(2, "admin").reference, { uuid, usageType: 2, usageId: "admin" });
  });

  it("are not on disk when they are ephemeral, and leave it when they become so", async () => {
    await define(text());
    await secrets.setValue(uuid, Buffer.from("x"));
    assert.equal(readdirSync(directory).length, 2);
    await define(text("ephemeral='yes'"));
    assert.deepEqual(readdirSync(directory), []);
    assert.equal(Buffer.from(secrets.valueOf(uuid)).toString(), "x");
    await open();
    assert.throws(() => secrets.byUuid(uuid), { code: ErrorCode.noSecret });
  });

  it("are gone with their values when they are undefined, and that is told", async () => {
    await define(text());
    await secrets.setValue(uuid, Buffer.from("x"));
    await secrets.undefine(uuid);
    assert.deepEqual(readdirSync(directory), []);
    const told = events.map((event) => ("event" in event ? `${event.name} ${event.event}` : event.name));
    assert.deepEqual(told, ["secretEventLifecycle 0", "secretEventValueChanged", "secretEventLifecycle 1"]);
    await assert.rejects(secrets.undefine(uuid), { code: ErrorCode.noSecret });
  });

  it("do not change what they are for, nor become public", async () => {
    await define(text("private='yes'", ceph));
    await assert.rejects(define(text("", ceph)), /cannot change private flag on existing secret/);
    await assert.rejects(define(text("private='yes'")), /is already defined for use with admin/);
    await assert.rejects(
      define(text("", ceph, other)),
      new RegExp(`a secret with UUID ${uuid} already defined for use with admin`),
    );
    assert.equal(secrets.all.length, 1);
  });

  it("are changed one after the other", async () => {
    await define(text());
    await Promise.all(["a", "b", "c"].map((value) => secrets.setValue(uuid, Buffer.from(value))));
    assert.equal(readFileSync(join(directory, `${uuid}.base64`), "utf8"), Buffer.from("c").toString("base64"));
  });

  it("are not shown when they are private", async () => {
    await define(text("private='yes'"));
    await secrets.setValue(uuid, Buffer.from("x"));
    const get = secretProcedures(secrets).secretGetValue as (args: unknown) => unknown;
    const secret = { uuid, usageType: 0, usageId: "" };
    assert.throws(() => get({ secret, flags: 0 }), { message: "Invalid secret: secret is private" });
  });

  it("stay where they are when they cannot be read, and that is reported", async () => {
    writeFileSync(join(directory, `${other}.xml`), text());
    await open();
    assert.match(String(reported.pop()), /is not a secret: it has another uuid than its file/);
    assert.deepEqual([...secrets.all], []);
    assert.deepEqual(readdirSync(directory), [`${other}.xml`]);
  });
});
