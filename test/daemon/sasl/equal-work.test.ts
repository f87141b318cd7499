import assert from "node:assert/strict";
import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { mock, suite, test } from "node:test";

/** What Node's crypto was asked to do: which function, and with how much. */
const work: string[] = [];

function record<N extends "pbkdf2" | "createHmac" | "createHash" | "timingSafeEqual">(
  name: N,
  describe: (args: readonly unknown[]) => string,
): void {
  const original = crypto[name] as (...args: unknown[]) => unknown;
  mock.method(crypto, name, (...args: unknown[]) => {
    work.push(`${name} ${describe(args)}`);
    return original(...args);
  });
}

record("pbkdf2", ([, salt, ...rest]) => [(salt as Uint8Array).length, ...rest.slice(0, 3)].join(" "));
record("createHmac", ([hash]) => String(hash));
record("createHash", ([hash]) => String(hash));
record("timingSafeEqual", ([one]) => String((one as Uint8Array).length));
syncBuiltinESMExports();

// Only now: what they take from Node's crypto is what was put there.
const { credentialOf } = await import("../../../src/daemon/sasl/credential.ts");
const { Plain } = await import("../../../src/daemon/sasl/plain.ts");
const { Scram } = await import("../../../src/daemon/sasl/scram.ts");

const kept = await credentialOf("secret");
const users = { find: (name: string) => (name === "alice" ? kept : undefined) };

async function workOf(act: () => unknown): Promise<readonly string[]> {
  work.length = 0;
  await assert.rejects(async () => act(), { name: "RefusedError", message: /^a wrong name or password/ });
  return [...work];
}

function tryPlain(user: string, password: string): Promise<readonly string[]> {
  const plain = new Plain(users, (attempt) => attempt());
  return workOf(() => plain.step(Buffer.from(`\0${user}\0${password}`)));
}

function tryScram(user: string, proof: Uint8Array): Promise<readonly string[]> {
  const scram = new Scram(users, () => "ours");
  return workOf(() => {
    scram.step(Buffer.from(`n,,n=${user},r=theirs`));
    return scram.step(Buffer.from(`c=biws,r=theirsours,p=${Buffer.from(proof).toString("base64")}`));
  });
}

suite("a wrong name or password takes the same work", () => {
  test("by PLAIN: the rounds of a real one, and all bytes compared, whatever is wrong", async () => {
    const wanted = ["pbkdf2 16 60000 32 sha256", "timingSafeEqual 32"];
    const first = await tryPlain("alice", "Secret");
    for (const each of wanted) assert.equal(first.filter((done) => done === each).length, 1, first.join("\n"));
    for (const [user, password] of [
      ["alice", "secreT"],
      ["alice", "s"],
      ["alice", "secret ".repeat(100)],
      ["nobody", "secret"],
      ["nobody", "Secret"],
    ] as const)
      assert.deepEqual(await tryPlain(user, password), first, `${user} ${password}`);
  });

  test("by SCRAM: the same hashes for each name and each proof, and all bytes compared", async () => {
    const proof = (at: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, index) => (index === at ? 1 : 0));
    const first = await tryScram("alice", proof(0));
    assert.equal(first.filter((done) => done === "timingSafeEqual 32").length, 1, first.join("\n"));
    for (const [user, given] of [
      ["alice", proof(31)],
      ["alice", Uint8Array.of(1)],
      ["alice", new Uint8Array(64)],
      ["nobody", proof(0)],
    ] as const)
      assert.deepEqual(await tryScram(user, given), first, user);
  });
});
