import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Credential, credentialOf, type UserTable } from "../../../src/daemon/sasl/credential.ts";
import { RefusedError } from "../../../src/daemon/sasl/mechanism.ts";
import { Scram } from "../../../src/daemon/sasl/scram.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (data: Uint8Array | null): string => Buffer.from(data ?? []).toString();

/** The exchange of RFC 7677. */
const serverNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const second = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const last = `c=biws,r=rOprNGfwEbeRWgbNEkqO${serverNonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`;

const kept: Credential = await credentialOf("pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"), 4096);
const users: UserTable = { find: (name) => (name === "user" || name === "a,b=c" ? kept : undefined) };
const attempt = (draw = serverNonce): Scram => new Scram(users, () => draw);

suite("SCRAM-SHA-256", () => {
  test("says what the RFC's server says, and knows the user", () => {
    const scram = attempt();
    assert.equal(text(scram.step(bytes(first)).data), second);
    const answer = scram.step(bytes(last));
    assert.equal(text(answer.data), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert.equal(answer.user, "user");
  });

  test("reads names with commas and equals signs, and a client that could bind a channel and sees that we cannot", () => {
    const scram = attempt();
    assert.match(text(scram.step(bytes("y,,n=a=2Cb=3Dc,r=abc")).data), /^r=abc%hv/);
  });

  for (const [what, message] of [
    ["a proof for another attempt", last],
    ["no proof", last.replace(/,p=.*/, "")],
    ["a proof of no bytes", last.replace(/p=.*/, "p=AA==")],
    ["a wrong proof", last.replace("p=dH", "p=dI")],
    ["another header than the first message had", last.replace("c=biws", "c=eSws")],
    ["another nonce", last.replace("r=rO", "r=rP")],
    ["no message of SCRAM's", "hello"],
    ["nothing", ""],
  ] as const) {
    test(`refuses ${what}`, () => {
      const scram = attempt(what === "a proof for another attempt" ? "anotherNumber" : serverNonce);
      scram.step(bytes(first));
      const isOfAnother = /another (attempt|header|nonce)/.test(what);
      const reason = isOfAnother ? /does not belong to this attempt/ : /./;
      assert.throws(() => scram.step(bytes(message)), { name: "RefusedError", message: reason });
      assert.throws(() => scram.step(bytes(last)), RefusedError, "the attempt is over, whatever comes");
    });
  }

  for (const message of [
    "",
    "n,,",
    "p=tls-unique,,n=user,r=a",
    "n,,n=,r=a",
    "n,,n=us=er,r=a",
    "n,a=root,n=user,r=a",
    "n,,m=x,n=user,r=a",
    "n,,n=user,r=a b",
  ]) {
    test(`refuses to begin with ${JSON.stringify(message)}`, () => {
      assert.throws(() => attempt().step(bytes(message)), RefusedError);
    });
  }

  test("goes on with a name that nobody has as with one that somebody has, with the same salt each time", () => {
    const ask = (name: string): string => text(attempt().step(bytes(`n,,n=${name},r=abc`)).data);
    assert.match(ask("nobody"), /^r=abc%hvYDpWUa2RaTCAfuxFIlj\)hNlF\$k0,s=[A-Za-z\d+/]{22}==,i=\d+$/);
    assert.equal(ask("nobody"), ask("nobody"));
    assert.notEqual(ask("nobody"), ask("nobody2"));
    const scram = attempt();
    scram.step(bytes("n,,n=nobody,r=rOprNGfwEbeRWgbNEkqO"));
    assert.throws(() => scram.step(bytes(last)), { message: "a wrong name or password, as 'nobody'" });
  });
});
