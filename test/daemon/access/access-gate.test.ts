import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { AccessRules, type AuditRecord, Daemon, type LogEntry, type Origin } from "../../../src/daemon/index.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import type { Loop } from "../../../src/event/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { type Client, type Domain, remote, virtwright } from "../../../src/protocol/index.ts";
import {
  type CallOptions,
  Connection,
  clientOf,
  decodeEvent,
  pairInMemory,
  type Stream,
} from "../../../src/rpc/index.ts";

type Table = typeof remote.procedures;
interface TestClient {
  readonly call: Client<Table, CallOptions, Stream>;
  readonly connection: Connection;
  /** Names of the domains of which events have come. */
  readonly heard: string[];
}

const uid = { uid: 54_321, gid: 54_321, pid: 1 };
const rules = [
  "deny user bob connect:write",
  "allow group root *",
  "deny anybody domain:delete on *-keep",
  "allow certificate CN=alice domain:start,domain:stop,domain:write,domain:save,domain:getattr,domain:read,domain:delete on web-*",
  "allow certificate CN=alice connect:*,network:getattr,storage_vol:getattr on *",
  "allow certificate CN=alice connect:*",
  "allow certificate CN=viewer *:getattr,*:read,connect:*,storage_pool:search_storage_vols",
];
const denied = { code: 88, domain: 55 };

suite("the gate", () => {
  let loop: Loop;
  let driver: TestDriver;
  let daemon: Daemon;
  const log: LogEntry[] = [];
  const audit: AuditRecord[] = [];

  before(() => {
    loop = openLoop();
    driver = new TestDriver(loop);
  });
  after(async () => {
    await driver[Symbol.asyncDispose]();
    await loop.close();
  });
  let owner: TestClient;
  const made: Domain[] = [];
  beforeEach(async () => {
    log.length = 0;
    audit.length = 0;
    made.length = 0;
    daemon = new Daemon(loop, {
      drivers: [driver],
      log: (entry) => void log.push(entry),
      audit: (record) => void audit.push(record),
      access: new AccessRules(rules),
    });
    owner = await open({ identity: { uid: 0, gid: 0, pid: 1 } });
    for (const name of ["web-1", "web-keep", "db-1"]) {
      const xml = `<domain type='test'><name>${name}</name><memory>8192</memory><os><type>hvm</type></os></domain>`;
      made.push((await owner.call.domainDefineXml({ xml })).dom);
    }
  });
  afterEach(async () => {
    for (const name of ["web-1", "web-2", "web-keep", "db-1", "web-new"]) {
      const { dom } = await owner.call.domainLookupByName({ name }).catch(() => ({ dom: undefined }));
      if (dom === undefined) continue;
      await owner.call.domainDestroy({ dom }).catch(() => {});
      daemon.rule(undefined);
      await owner.call.domainUndefine({ dom });
    }
    await daemon.close(0);
  });

  async function open(origin: Origin): Promise<TestClient> {
    const [near, far] = pairInMemory(loop);
    daemon.accept(near, origin);
    const connection = new Connection(loop, far);
    const heard: string[] = [];
    connection.open({
      onEvent: (frame) => {
        const event = decodeEvent(remote, frame) as { message: { dom?: Domain } } | undefined;
        heard.push(event?.message.dom?.name ?? "?");
      },
      onClose: () => {},
    });
    const call = clientOf(connection, remote);
    await call.connectOpen({ name: "test:///default", flags: 0 });
    return { call, connection, heard };
  }
  const alice = (): Promise<TestClient> => open({ door: "tls", certificate: "CN=alice", address: "192.0.2.1:5" });
  const viewer = (): Promise<TestClient> => open({ door: "tls", certificate: "CN=viewer" });
  const dom = (name: string): Domain => made.find((each) => each.name === name) as Domain;

  test("lets somebody do what a rule allows, and not one thing more; says by which rule, and logs it", async () => {
    const { call } = await alice();
    await call.domainCreate({ dom: dom("web-1") });
    await call.domainDestroy({ dom: dom("web-1") });
    await assert.rejects(call.domainCreate({ dom: dom("db-1") }), {
      ...denied,
      message: "access denied: 'rules' denied access: domain:start on 'db-1' by no rule allows it",
    });
    await assert.rejects(call.domainUndefine({ dom: dom("web-keep") }), {
      ...denied,
      message: `access denied: 'rules' denied access: domain:delete on 'web-keep' by rule 3, "deny anybody domain:delete on *-keep"`,
    });
    const line =
      "certificate 'CN=alice' from 192.0.2.1:5 was denied domain:start on 'db-1' for domainCreate: no rule allows it";
    assert.ok(
      log.some(({ source, message }) => source === "access" && message === line),
      JSON.stringify(log),
    );
    assert.deepEqual(
      audit.slice(3).map(({ call: name, object, result }) => [name, object?.split(" ")[0], result]),
      [
        ["virDomainCreate", "web-1", "done"],
        ["virDomainDestroy", "web-1", "done"],
        ["virDomainCreate", "db-1", "denied"],
        ["virDomainUndefine", "web-keep", "denied"],
      ],
    );
  });

  test("goes by the name that an object has, not by the one that its caller writes, and tells nobody the true one", async () => {
    const { call } = await alice();
    const disguised = { ...dom("db-1"), name: "web-1" };
    await assert.rejects(call.domainCreate({ dom: disguised }), {
      ...denied,
      message: /denied access: domain:start by no rule/,
    });
    await assert.rejects(call.domainCreate({ dom: { ...disguised, uuid: "00000000-0000-4000-8000-000000000000" } }), {
      code: 42,
    });
  });

  test("shows in lists, numbers and look-ups what somebody may know of, and nothing else", async () => {
    const { call } = await alice();
    const { domains, ret } = await call.connectListAllDomains({ needResults: 1, flags: 0 });
    assert.deepEqual([domains.map(({ name }) => name).sort(), ret], [["web-1", "web-keep"], 2]);
    assert.deepEqual(await call.connectListAllDomains({ needResults: 0, flags: 0 }), { domains: [], ret: 2 });
    assert.deepEqual(await call.connectNumOfDefinedDomains({}), { num: 2 });
    assert.deepEqual(await call.connectNumOfDomains({}), { num: 0 });
    assert.deepEqual(await call.connectListDomains({ maxids: 10 }), { ids: [] });
    const { names } = await call.connectListDefinedDomains({ maxnames: 1 });
    assert.equal(names.length, 1);
    assert.match(names[0] ?? "", /^web-/);
    const { retStats } = await call.connectGetAllDomainStats({ doms: [], stats: 1, flags: 0 });
    assert.deepEqual(retStats.map((record) => record.dom.name).sort(), ["web-1", "web-keep"]);
    assert.equal((await call.domainLookupByName({ name: "web-1" })).dom.name, "web-1");
    for (const lookup of [
      call.domainLookupByName({ name: "db-1" }),
      call.domainLookupByUuid({ uuid: dom("db-1").uuid }),
      call.domainLookupById({ id: 1 }),
      call.domainGetInfo({ dom: dom("db-1") }),
      call.domainGetXmlDesc({ dom: dom("web-1"), flags: 1 }),
    ])
      await assert.rejects(lookup, denied);
    await assert.rejects(call.domainLookupById({ id: 1 }), (error: Error) => !error.message.includes("'test'"));
  });

  test("thins nothing out for who may see all", async () => {
    const { call } = await viewer();
    assert.equal((await call.connectListAllDomains({ needResults: 1, flags: 0 })).ret, 4);
    assert.deepEqual(await call.connectNumOfDomains({}), { num: 1 });
    await assert.rejects(call.domainCreate({ dom: dom("web-1") }), denied);
    await assert.rejects(
      call.domainGetXmlDesc({ dom: dom("web-1"), flags: 1 }),
      denied,
      "secrets are another permission",
    );
  });

  test("reads the name of what is to be made in its definition", async () => {
    const { call } = await alice();
    const xml = (name: string, more = ""): string =>
      `<domain type='test'>${more}<name>${name}</name><memory>8192</memory><os><type>hvm</type></os></domain>`;
    assert.equal((await call.domainDefineXml({ xml: xml("web-2") })).dom.name, "web-2");
    for (const forbidden of [
      xml("db-2"),
      xml("db-2", "<!-- <name>web-2</name> -->"),
      xml("db-2", "<description><name>web-2</name></description>"),
      xml("db-2").replace("<domain", "<domain name='web-2'"),
    ])
      await assert.rejects(call.domainDefineXml({ xml: forbidden }), denied);
    await assert.rejects(call.domainDefineXml({ xml: xml("web-2", `<uuid>${dom("db-1").uuid}</uuid>`) }), { code: 9 });
    await assert.rejects(call.domainRestore({ from: "/no/such/file" }), denied, "nobody knows which domain that is");
  });

  test("asks for both names of one that is renamed", async () => {
    const { call } = await alice();
    await assert.rejects(call.domainRename({ dom: dom("web-1"), newName: "db-2", flags: 0 }), denied);
    await call.domainRename({ dom: dom("web-1"), newName: "web-new", flags: 0 });
  });

  test("asks for the contents of a volume that another is made from", async () => {
    const { pool } = await owner.call.storagePoolLookupByName({ name: "default-pool" });
    const xml = (name: string): string => `<volume><name>${name}</name><capacity>1024</capacity></volume>`;
    const { vol: clonevol } = await owner.call.storageVolCreateXml({ pool, xml: xml("secret"), flags: 0 });
    const create = "allow certificate CN=alice storage_vol:create";
    const copy = { pool, xml: xml("copy"), clonevol, flags: 0 };
    const { call } = await alice();
    daemon.rule(new AccessRules([create, "allow certificate CN=alice storage_vol:data_read on default-pool/open"]));
    await assert.rejects(call.storageVolCreateXmlFrom(copy), {
      ...denied,
      message: /denied access: storage_vol:data_read/,
    });
    daemon.rule(new AccessRules([create, "allow certificate CN=alice storage_vol:data_read on default-pool/secret"]));
    assert.equal((await call.storageVolCreateXmlFrom(copy)).vol.name, "copy");
  });

  test("tells events of what somebody may know of", async () => {
    const client = await alice();
    await client.call.connectDomainEventRegisterAny({ eventId: 0 });
    await assert.rejects(client.call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom: dom("db-1") }), denied);
    await owner.call.domainCreate({ dom: dom("db-1") });
    await owner.call.domainCreate({ dom: dom("web-1") });
    await client.call.connectGetHostname({});
    assert.ok(client.heard.length > 0 && client.heard.every((name) => name === "web-1"), String(client.heard));
    const own = clientOf(client.connection, virtwright);
    await assert.rejects(own.snapshot({ start: 0n, limit: 0, stats: 0, withXml: false }), denied);
    await assert.rejects(own.eventsOpen({ cursor: null, eventIds: [], dom: null }), denied);
  });

  test("follows new rules at once, and none at all", async () => {
    const { call } = await alice();
    daemon.rule(new AccessRules(["deny anybody *"]));
    await assert.rejects(call.domainCreate({ dom: dom("web-1") }), denied);
    await assert.rejects(owner.call.domainCreate({ dom: dom("web-1") }), denied);
    daemon.rule(undefined);
    await call.domainCreate({ dom: dom("db-1") });
  });

  test("opens nothing for who may not even know that there is a hypervisor", async () => {
    await assert.rejects(open({ door: "unix", identity: uid }), {
      ...denied,
      message: /denied access: connect:getattr by no rule allows it/,
    });
  });
});
