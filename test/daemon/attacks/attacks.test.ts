import assert from "node:assert/strict";
import { after, before as beforeAll, suite, test } from "node:test";
import { AccessRules, type AuditRecord, credentialOf, Daemon, type Origin } from "../../../src/daemon/index.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import type { Loop } from "../../../src/event/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { type Domain, MessageType, remote, Status, virtwright } from "../../../src/protocol/index.ts";
import { Connection, clientOf, pairInMemory } from "../../../src/rpc/index.ts";
import { knock } from "../../net/knocking.ts";
import { RawEnd } from "../../rpc/world.ts";
import { type Attacker, callAttacks, changing, door, doorAttacks, origins, rules, wireAttacks } from "./entries.ts";

/** Part of a definition: nobody who attacks may ever read it. */
const secret = "s3cret-of-the-guest";
/** What a file of this machine would look like. */
const leaks = [secret, "root:x:0:0"];

suite(`${wireAttacks.length + callAttacks.length + doorAttacks.length} attacks`, { timeout: 120_000 }, () => {
  let loop: Loop;
  let driver: TestDriver;
  let daemon: Daemon;
  let owner: Omit<Attacker, "dom" | "callbackId">;
  let dom: Domain;
  let callbackId: number;
  let port: number;
  /** As it was at first. */
  let before: string;
  const audit: AuditRecord[] = [];

  beforeAll(async () => {
    loop = openLoop();
    driver = new TestDriver(loop);
    const kept = await credentialOf("pencil", Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64"), 4096);
    daemon = new Daemon(loop, {
      drivers: [driver],
      access: new AccessRules(rules),
      audit: (record) => void audit.push(record),
      logIn: { users: { find: (name) => (name === "user" ? kept : undefined) }, refuse: () => undefined },
    });
    port = await daemon.listenForBrowsers({ host: "127.0.0.1", port: 0, origins: [door.page], token: door.token });
    owner = await connect(origins.user);
    const graphics = `<graphics type='vnc' passwd='${secret}'/>`;
    const xml = `<domain type='test'><name>victim</name><memory>8192</memory><os><type>hvm</type></os><devices>${graphics}</devices></domain>`;
    ({ dom } = await owner.call.domainDefineXml({ xml }));
    ({ callbackId } = await owner.call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom: null }));
    before = await world();
  });

  after(async () => {
    await daemon.close(0);
    await driver.close();
    await loop.close();
  });

  async function connect(origin: Origin) {
    const [near, far] = pairInMemory(loop);
    daemon.accept(near, origin);
    const connection = new Connection(loop, far);
    connection.open({ onClose: () => {} });
    const call = clientOf(connection, remote);
    if (origin.auth === undefined) await call.connectOpen({ name: "test:///default", flags: 0 });
    return { call, connection, own: clientOf(connection, virtwright) };
  }

  /** All that there is, as its owner sees it. */
  async function world(): Promise<string> {
    const { call } = owner;
    const all = { needResults: 1, flags: 0 };
    const { domains } = await call.connectListAllDomains(all);
    const { nets } = await call.connectListAllNetworks(all);
    const { pools } = await call.connectListAllStoragePools(all);
    const parts: unknown[] = [domains, nets, pools];
    for (const each of domains) {
      parts.push(
        await call.domainGetXmlDesc({ dom: each, flags: 1 }),
        await call.domainGetState({ dom: each, flags: 0 }),
      );
      parts.push(
        await call.domainListAllSnapshots({ dom: each, ...all }),
        await call.domainHasManagedSaveImage({ dom: each, flags: 0 }),
      );
      parts.push(await call.domainGetAutostart({ dom: each }));
    }
    for (const pool of pools) parts.push(await call.storagePoolListAllVolumes({ pool, ...all }));
    for (const net of nets) parts.push(await call.networkGetXmlDesc({ net, flags: 0 }));
    parts.push(await call.connectListAllInterfaces(all), await call.connectListAllNodeDevices(all));
    return JSON.stringify(parts);
  }

  for (const { name, bytes, ends } of wireAttacks)
    test(`is ${ends === "error" ? "refused" : ends}: ${name}`, async () => {
      const [near, far] = pairInMemory(loop);
      daemon.accept(near, origins.user);
      const raw = new RawEnd(far);
      raw.transport.send(bytes);
      // What was ignored has had its turn when a call behind it is answered.
      const ping = { program: 0x6b65_6570, procedure: 1, type: MessageType.message } as const;
      for (let rounds = 0; rounds < 20 && raw.closed === undefined; rounds++)
        await new Promise((resolve) => setImmediate(resolve));
      const replies = raw.take();
      assert.equal(raw.closed !== undefined, ends === "closed");
      assert.deepEqual(
        replies.map(({ header }) => header.status),
        ends === "error" ? [Status.error] : [],
      );
      if (ends === "closed") return;
      raw.send(ping, remote.procedures.connectClose.args, {});
      for (let rounds = 0; rounds < 5; rounds++) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(raw.take().length, 1, "it still serves the connection");
      raw.transport.close();
    });

  for (const { name, as, calls } of callAttacks)
    test(`is refused: ${name}`, async () => {
      const attacker = await connect(origins[as]);
      const outcomes = await Promise.allSettled(calls({ ...attacker, dom, callbackId }));
      const answered = outcomes.flatMap((outcome, index) =>
        outcome.status === "fulfilled" ? [[index, outcome.value]] : [],
      );
      assert.deepEqual(answered, [], "some were answered");
      for (const outcome of outcomes) {
        const said = outcome.status === "rejected" ? String(outcome.reason) : "";
        for (const leak of leaks) assert.ok(!said.includes(leak), said);
      }
      assert.equal(await world(), before, "something has changed");
      attacker.connection.close();
    });

  for (const { name, headers, path, status } of doorAttacks)
    test(`is not let in: ${name}`, async () => {
      assert.deepEqual(await knock(port, headers, path), { status, accept: undefined, body: "" });
      assert.equal(await world(), before, "something has changed");
    });

  test("try every call that changes something", () => assert.ok(changing().length >= 218, String(changing().length)));

  test("leave nothing behind", async () => {
    for (let rounds = 0; rounds < 20 && daemon.size > 1; rounds++)
      await new Promise((resolve) => setImmediate(resolve));
    assert.equal(daemon.size, 1);
    const attempts = audit.filter(({ who }) => who.includes("viewer"));
    assert.ok(attempts.length > 100, "each attempt to change something is on record");
    assert.deepEqual(
      attempts.filter(({ result }) => result === "done"),
      [],
    );
  });
});
