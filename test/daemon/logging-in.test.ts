import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { credentialOf } from "../../src/daemon/index.ts";
import { AuthType } from "../../src/protocol/index.ts";
import { Serving, type TestClient } from "./serving.ts";

const alice = await credentialOf("secret", Buffer.alloc(16, 1), 4096);
const origin = { auth: "sasl", door: "tls", address: "192.0.2.1:50000" } as const;

function serve(anonymousClients = 20): Serving {
  return new Serving({
    limits: { anonymousClients },
    logIn: { users: { find: (name) => (name === "alice" ? alice : undefined) }, refuse: () => undefined },
  });
}

/** Passwords are tried on another thread: the world of the test waits for that. */
async function start(serving: Serving, client: TestClient, password: string): Promise<{ complete: number } | Error> {
  const data = Buffer.from(`\0alice\0${password}`);
  let outcome: { complete: number } | Error | undefined;
  client.call.authSaslStart({ mech: "PLAIN", nil: 0, data }).then(
    (value) => (outcome = value),
    (error: Error) => (outcome = error),
  );
  while (outcome === undefined) {
    serving.world.run();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return outcome;
}

suite("a door at which clients log in", () => {
  test("says so, lets nothing else be called before, and everything after", async () => {
    const serving = serve();
    const client = serving.connect(origin);
    const open = () => serving.settle(client.call.connectOpen({ name: "fake:///default", flags: 0 }));
    await assert.rejects(open(), { code: 39, message: "authentication required" });
    assert.deepEqual(await serving.settle(client.call.authList({})), { types: [AuthType.sasl] });
    await assert.rejects(open(), { message: "authentication required" }, "asking is no log-in");
    assert.deepEqual(await serving.settle(client.call.authSaslInit({})), { mechlist: "SCRAM-SHA-256,PLAIN" });
    const answer = await start(serving, client, "secret");
    assert.ok(!(answer instanceof Error) && answer.complete === 1);
    assert.deepEqual(await serving.settle(client.call.authList({})), { types: [AuthType.none] });
    await open();
    assert.ok(serving.log.some(({ message }) => message === "logged in: user 'alice' from 192.0.2.1:50000"));
  });

  test("writes 20 of those who could not log in to the log, however many connections they make", async () => {
    const serving = serve();
    for (let count = 0; count < 25; count++) {
      const { call } = serving.connect(origin);
      await assert.rejects(serving.settle(call.authSaslStart({ mech: "x", nil: 1, data: Buffer.alloc(0) })));
    }
    assert.equal(serving.log.filter(({ message }) => message.includes("was not let in")).length, 20);
  });

  test("says why somebody was not let in to the log alone, and ends the connection after the third time", async () => {
    const serving = serve();
    const client = serving.connect(origin);
    for (let count = 0; count < 3; count++) {
      const answer = await start(serving, client, "wrong");
      assert.ok(answer instanceof Error && answer.message === "authentication failed: authentication failed");
    }
    serving.world.run();
    assert.equal(client.closed.length, 1);
    assert.equal(serving.daemon.size, 0);
    const line = "somebody from 192.0.2.1:50000 was not let in: a wrong name or password, as 'alice'";
    assert.equal(serving.log.filter(({ message }) => message === line).length, 3);
  });

  test("drops the oldest of those who have not logged in when there are too many", async () => {
    const serving = serve(2);
    const [first, second] = [serving.connect(origin), serving.connect(origin)];
    await start(serving, second, "secret");
    const others = [serving.connect(origin), serving.connect(origin)];
    serving.world.run();
    assert.deepEqual(
      [first, second, ...others].map(({ closed }) => closed.length),
      [1, 0, 0, 0],
    );
    assert.ok(serving.log.some(({ message }) => message.startsWith("dropped: 2 others have not logged in yet either")));
  });

  test("is the only one at which log-ins are heard", async () => {
    const serving = serve();
    const client = serving.connect({ door: "unix" });
    const answer = await start(serving, client, "secret");
    assert.ok(answer instanceof Error && answer.message === "authentication failed: authentication failed");
    const without = new Serving();
    const other = without.connect(origin);
    const refused = await start(without, other, "secret");
    assert.ok(refused instanceof Error, "nobody can log in where there are no users");
  });
});
