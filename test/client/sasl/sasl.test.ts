import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { logIn } from "../../../src/client/sasl/log-in.ts";
import { Scram } from "../../../src/client/sasl/scram.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";
import { SaslServer, type SaslServerOptions } from "./sasl-server.ts";

const auth = { user: "ada", password: "drowssap" };

async function talk(options: SaslServerOptions, isPrivate = true): Promise<SaslServer> {
  const server = new SaslServer({ password: auth.password, ...options });
  await logIn(server.calls, { auth, isPrivate, call: {} });
  return server;
}

suite("SCRAM", () => {
  test("says what RFC 7677 shows", async () => {
    const nonce = "rOprNGfwEbeRWgbNEkqO";
    const scram = new Scram("SCRAM-SHA-256", { user: "user", password: "pencil" }, nonce);
    assert.equal(scram.first, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    const serverNonce = `${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`;
    assert.equal(
      await scram.final(`r=${serverNonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`),
      `c=biws,r=${serverNonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
    );
    scram.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  });

  test("writes a name with a comma and an equals sign as the RFC has it", () => {
    assert.equal(new Scram("SCRAM-SHA-256", { user: "a=b,c", password: "" }, "n").first, "n,,n=a=3Db=2Cc,r=n");
  });

  test("proves the password without telling it, to a server with the last word and to one without", async () => {
    for (const asksAgain of [false, true]) {
      const { heard } = await talk({ mechanisms: "GSSAPI,SCRAM-SHA-256,PLAIN", asksAgain });
      assert.equal(heard.length, asksAgain ? 3 : 2);
      assert.equal(heard.join().includes(auth.password), false);
    }
  });

  test("is not content with a server that does not know the password, nor with one that asks strangely", async () => {
    for (const forge of ["nonce", "rounds", "signature", "salt"] as const) {
      await assert.rejects(talk({ mechanisms: "SCRAM-SHA-256", forge }), { code: ErrorCode.authFailed }, forge);
    }
    await assert.rejects(talk({ mechanisms: "SCRAM-SHA-256", password: "another" }), { code: ErrorCode.authFailed });
  });
});

suite("logging in", () => {
  test("tells the password itself only where nobody else hears it", async () => {
    assert.deepEqual((await talk({ mechanisms: "PLAIN LOGIN" })).heard, ["\0ada\0drowssap"]);
    await assert.rejects(talk({ mechanisms: "PLAIN LOGIN" }, false), { code: ErrorCode.authUnavailable });
    await assert.rejects(talk({ mechanisms: "PLAIN", password: "x" }), { code: ErrorCode.authFailed });
  });

  test("says so when there is no way that both know, or nothing to say", async () => {
    await assert.rejects(talk({ mechanisms: "GSSAPI" }), { code: ErrorCode.authUnavailable, message: /GSSAPI/ });
    const { calls } = new SaslServer({ mechanisms: "SCRAM-SHA-256" });
    const nobody = logIn(calls, { auth: undefined, isPrivate: true, call: {} });
    await assert.rejects(nobody, { code: ErrorCode.authUnavailable, message: /auth: \{ user, password \}/ });
  });

  test("asks for the credentials when they are needed", async () => {
    const server = new SaslServer({ mechanisms: "SCRAM-SHA-256", password: auth.password });
    let asked = 0;
    const ask = async () => {
      asked++;
      return auth;
    };
    await logIn(server.calls, { auth: ask, isPrivate: false, call: {} });
    assert.equal(asked, 1);
  });
});
