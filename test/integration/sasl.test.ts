import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { ErrorCode, open } from "../../src/open/index.ts";
import { libvirtd, Teacher } from "../conformance/virsh/teacher.ts";

const directory = mkdtempSync(join(tmpdir(), "vw-sasl-"));
// libvirtd runs as nobody where we are root.
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true, force: true }));

const mechanisms = "/usr/lib/x86_64-linux-gnu/sasl2/libscram.so";
const missing = [libvirtd, mechanisms, "/usr/bin/python3"].find((path) => !existsSync(path));

/** A libvirtd that asks who one is, by this mechanism, and knows Ada. */
async function begin(mechanism: string): Promise<Teacher> {
  const place = join(directory, mechanism);
  mkdirSync(place);
  const lines = [`mech_list: ${mechanism}`, `sasldb_path: ${place}/users`, "auxprop_plugin: sasldb"];
  writeFileSync(join(place, "libvirt.conf"), `${lines.join("\n")}\n`);
  const script = join(import.meta.dirname, "sasl-user.py");
  const made = spawnSync("/usr/bin/python3", [script, place, "ada", "drowssap"], { encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
  chmodSync(join(place, "users"), 0o644);
  const teacher = new Teacher(place, { auth: "sasl" });
  await teacher.start();
  return teacher;
}

suite("a libvirtd that asks for SASL", { skip: missing !== undefined && `${missing} is not installed` }, () => {
  for (const mechanism of ["scram-sha-256", "plain"]) {
    test(`is told by ${mechanism} who we are, and takes nobody else`, async () => {
      const teacher = await begin(mechanism);
      try {
        const uri = `test+unix:///default?socket=${teacher.socket}`;
        {
          await using connection = await open(uri, { auth: { user: "ada", password: "drowssap" } });
          assert.equal(await connection.getType(), "TEST");
        }
        const wrong = open(uri, { auth: { user: "ada", password: "password" } });
        await assert.rejects(wrong, { code: ErrorCode.authFailed });
        await assert.rejects(open(uri), { code: ErrorCode.authUnavailable });
      } finally {
        await teacher.stop();
      }
    });
  }
});
