import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { UsersFile } from "../../../src/cli/users/users-file.ts";
import { credentialOf } from "../../../src/daemon/index.ts";

const directory = mkdtempSync(join(tmpdir(), "virtwright-users-"));
const path = join(directory, "users");

suite("the users' file", () => {
  after(() => rmSync(directory, { recursive: true }));

  test("knows nobody when it is not there", () => {
    assert.equal(new UsersFile(path).find("alice"), undefined);
  });

  test("gives back what was kept, is its owner's alone, and has no password in it", async () => {
    const file = new UsersFile(path);
    const kept = await credentialOf("open sesame", undefined, 4096);
    file.write(new Map([["alice", kept]]));
    assert.deepEqual(file.find("alice"), {
      salt: Buffer.from(kept.salt),
      iterations: 4096,
      storedKey: kept.storedKey,
      serverKey: kept.serverKey,
    });
    assert.equal(file.find("bob"), undefined);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.doesNotMatch(readFileSync(path, "utf8"), /sesame/);
  });

  test("is refused when others can read it, and says what to do", () => {
    chmodSync(path, 0o640);
    assert.throws(() => new UsersFile(path).find("alice"), {
      name: "UsageError",
      message: /can be read by others: chmod 600 \//,
    });
    chmodSync(path, 0o600);
  });

  for (const line of ["alice", "alice:SCRAM-SHA-1:4096:AAAA:AA:AA", "bob:SCRAM-SHA-256:1:c2FsdHNhbHQ=:AA:AA"]) {
    test(`names the line that is damaged: ${line}`, () => {
      writeFileSync(path, `# heading\n\n${line}\n`, { mode: 0o600 });
      assert.throws(() => new UsersFile(path).read(), { name: "UsageError", message: /users:3: no line of a user/ });
    });
  }
});
