import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { type Credential, credentialOf } from "../../../src/daemon/sasl/credential.ts";
import { LogIn, type LogInOptions } from "../../../src/daemon/sasl/log-in.ts";
import { PasswordGate } from "../../../src/daemon/sasl/password-gate.ts";

const plain = (user: string, password: string, actingFor = ""): Uint8Array =>
  Buffer.from([actingFor, user, password].join("\0"));
const refused = { code: 45, domain: 7, message: "authentication failed: authentication failed" };

suite("logging in", () => {
  let kept: Credential;
  before(async () => {
    kept = await credentialOf("secret", Buffer.alloc(16, 1), 4096);
  });

  function begin(more: Partial<LogInOptions> = {}): { logIn: LogIn; users: string[]; refusals: [string, boolean][] } {
    const users: string[] = [];
    const refusals: [string, boolean][] = [];
    const logIn = new LogIn({
      users: { find: (name) => (name === "alice" || name === "mallory" ? kept : undefined) },
      refuse: (user) => (user === "mallory" ? "not on the list" : undefined),
      gate: new PasswordGate(),
      isWanted: () => true,
      onUser: (user) => users.push(user),
      onRefusal: (reason, isLast) => refusals.push([reason, isLast]),
      ...more,
    });
    return { logIn, users, refusals };
  }

  test("is done with PLAIN and the right password", async () => {
    const { logIn, users } = begin();
    assert.deepEqual(await logIn.start("PLAIN", plain("alice", "secret")), {
      complete: 1,
      nil: 1,
      data: new Uint8Array(),
    });
    assert.deepEqual(users, ["alice"]);
    await assert.rejects(logIn.step(plain("alice", "secret")), refused, "it is done");
  });

  test("lets a client begin without data, as those do who ask first", async () => {
    const { logIn, users } = begin();
    assert.deepEqual(await logIn.start("PLAIN", null), { complete: 0, nil: 1, data: new Uint8Array() });
    assert.equal((await logIn.step(plain("alice", "secret"))).complete, 1);
    assert.deepEqual(users, ["alice"]);
  });

  test("tells the client the same whatever is wrong, and the log what", async () => {
    for (const [message, reason] of [
      [plain("alice", "wrong"), "a wrong name or password, as 'alice'"],
      [plain("nobody", "secret"), "a wrong name or password, as 'nobody'"],
      [plain("mallory", "secret"), "not on the list"],
      [plain("alice", "secret", "root"), "'alice' may not act for 'root'"],
      [Buffer.from("alice"), "its message is none of PLAIN's"],
      [plain("alice", "secret\0more"), "its message is none of PLAIN's"],
    ] as const) {
      const { logIn, users, refusals } = begin();
      await assert.rejects(logIn.start("PLAIN", message), refused);
      assert.deepEqual([users, refusals], [[], [[reason, false]]]);
    }
  });

  test("has three chances", async () => {
    const { logIn, users, refusals } = begin();
    for (let count = 0; count < 3; count++)
      await assert.rejects(logIn.start("PLAIN", plain("alice", "wrong")), refused);
    assert.deepEqual(
      refusals.map(([, isLast]) => isLast),
      [false, false, true],
    );
    await assert.rejects(logIn.start("PLAIN", plain("alice", "secret")), refused);
    assert.deepEqual(users, []);
  });

  test("tries one password at a time", async () => {
    const { logIn, users, refusals } = begin();
    const [first, second] = [plain("alice", "secret"), plain("alice", "secret")].map((data) =>
      logIn.start("PLAIN", data),
    );
    await assert.rejects(second as Promise<unknown>, refused);
    await assert.rejects(first as Promise<unknown>, refused);
    assert.deepEqual(users, []);
    assert.equal(refusals.length, 2);
  });

  for (const [name, data] of [
    ["PLAIN", plain("alice", "secret")],
    ["SCRAM-SHA-256", Buffer.from("n,,n=alice,r=abc")],
  ] as const)
    test(`tells the log alone why users cannot be looked up, by ${name}`, async () => {
      const find = () => {
        throw new Error("/etc/users can be read by others");
      };
      const { logIn, refusals } = begin({ users: { find } });
      await assert.rejects(logIn.start(name, data), refused);
      assert.deepEqual(refusals, [["it cannot be decided: Error: /etc/users can be read by others", false]]);
    });

  test("tries no more passwords than the daemon has places for", async () => {
    const { logIn, refusals } = begin({ gate: new PasswordGate(0, 0) });
    await assert.rejects(logIn.start("PLAIN", plain("alice", "secret")), refused);
    assert.deepEqual(refusals, [["too many passwords are being tried", false]]);
  });

  for (const name of ["DIGEST-MD5", "toString", "", "PLAIN "]) {
    test(`has no ${JSON.stringify(name)}`, async () => {
      const { logIn, refusals } = begin();
      await assert.rejects(logIn.start(name, plain("alice", "secret")), refused);
      assert.deepEqual(refusals, [[`${JSON.stringify(name)} is none of SCRAM-SHA-256,PLAIN`, false]]);
    });
  }
});
