import assert from "node:assert/strict";
import { afterEach, beforeEach, suite, test } from "node:test";
import { Daemon, type LogEntry, type Origin } from "../../../src/daemon/index.ts";
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
import { Serving } from "../serving.ts";

type Call = Client<typeof remote.procedures, CallOptions, Stream>;

/** A process that is there. */
const alice: Origin = { door: "unix", identity: { uid: 54_321, gid: 54_321, pid: process.pid } };
const denied = { code: 88, domain: 55 };

suite("polkit as the judge of calls", () => {
  let loop: Loop;
  let driver: TestDriver;
  let daemon: Daemon;
  let log: LogEntry[];
  /** "org.libvirt.api.domain.start domain_name=web": questions that are answered with yes, as far as they are said. */
  let allowed: string[];
  let asked: string[];
  let root: Call;

  beforeEach(async () => {
    loop = openLoop();
    driver = new TestDriver(loop);
    log = [];
    asked = [];
    allowed = ["org.libvirt.api.connect."];
    daemon = new Daemon(loop, {
      drivers: [driver],
      log: (entry) => void log.push(entry),
      access: "polkit",
      pkcheck: async (args) => {
        await new Promise(setImmediate);
        const details = args.flatMap((word, at) => (word === "--detail" ? [`${args[at + 1]}=${args[at + 2]}`] : []));
        const question = [args[1], ...details].join(" ");
        asked.push(question);
        return allowed.some((each) => each.split(" ").every((part) => question.includes(part))) ? 0 : 1;
      },
    });
    root = (await open({ identity: { uid: 0, gid: 0, pid: process.pid } })).call;
  });
  afterEach(async () => {
    await daemon.close(0);
    await driver.close();
    await loop.close();
  });

  async function open(origin: Origin): Promise<{
    readonly call: Call;
    readonly heard: string[];
    readonly connection: Connection;
    readonly own: Client<typeof virtwright.procedures, CallOptions, Stream>;
  }> {
    const [near, far] = pairInMemory(loop);
    daemon.accept(near, origin);
    const connection = new Connection(loop, far);
    const heard: string[] = [];
    connection.open({
      onEvent: (frame) => {
        const event = decodeEvent(remote, frame) as { message: { msg?: { dom: Domain; event: number } } } | undefined;
        heard.push(`${event?.message.msg?.dom.name} ${event?.message.msg?.event}`);
      },
      onClose: () => {},
    });
    const call = clientOf(connection, remote);
    await call.connectOpen({ name: "test:///default", flags: 0 });
    return { call, connection, heard, own: clientOf(connection, virtwright) };
  }

  async function define(name: string): Promise<Domain> {
    const xml = `<domain type='test'><name>${name}</name><memory>8192</memory><os><type>hvm</type></os></domain>`;
    return (await root.domainDefineXml({ xml })).dom;
  }

  test("asks by libvirt's actions and details about what is really meant, and denies in libvirt's words", async () => {
    // No part of a uuid.
    const [web, mail] = [await define("web"), await define("mail")];
    allowed.push("org.libvirt.api.domain.start connect_driver=Test domain_name=web");
    const { call } = await open(alice);
    await call.domainCreate({ dom: { ...web, name: "mail" } });
    assert.ok(
      asked.includes(`org.libvirt.api.domain.start connect_driver=Test domain_name=web domain_uuid=${web.uuid}`),
      asked.join("\n"),
    );
    await assert.rejects(call.domainCreate({ dom: { ...mail, name: "web" } }), {
      ...denied,
      message:
        "access denied: 'polkit' denied access: domain:start by its answer to org.libvirt.api.domain.start: denied",
    });
    assert.ok(
      log.some(({ source, message }) => source === "access" && message.includes("was denied domain:start on 'mail'")),
    );
    await assert.rejects(call.domainGetXmlDesc({ dom: web, flags: 1 }), denied);
    allowed.push("org.libvirt.api.domain.read");
    await call.domainGetXmlDesc({ dom: web, flags: 1 });
    assert.ok(
      asked.some((each) => each.startsWith("org.libvirt.api.domain.read-secure ")),
      "dashes are libvirt's",
    );
  });

  test("shows of lists, numbers and events what polkit lets somebody see", async () => {
    const [web, db] = [await define("web"), await define("db")];
    allowed.push("org.libvirt.api.domain.getattr domain_name=web");
    const { call, heard } = await open(alice);
    const { domains } = await call.connectListAllDomains({ needResults: 1, flags: 0 });
    assert.deepEqual(
      domains.map(({ name }) => name),
      ["web"],
    );
    assert.deepEqual(await call.connectNumOfDefinedDomains({}), { num: 1 });
    assert.deepEqual(await call.connectListDomains({ maxids: 9 }), { ids: [] });
    await assert.rejects(call.domainLookupByName({ name: "db" }), denied);
    await call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom: null });
    for (const dom of [web, db, web]) {
      await root.domainCreate({ dom });
      await root.domainDestroy({ dom });
    }
    while (heard.length < 4) await new Promise(setImmediate);
    assert.deepEqual(heard, ["web 2", "web 5", "web 2", "web 5"], "in their order");
  });

  test("tells nobody anything who has left, or does not want to hear it any more", async () => {
    const web = await define("web");
    allowed.push("org.libvirt.api.domain.getattr");
    const { call, heard } = await open(alice);
    const { callbackId } = await call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom: null });
    await root.domainCreate({ dom: web });
    await call.connectDomainEventCallbackDeregisterAny({ callbackId });
    const before = heard.length;
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    assert.equal(heard.length, before);
  });

  test("is not asked about all guests at once: what tells of all is for who may do everything", async () => {
    allowed.push("org.libvirt.api.domain.getattr");
    const { own } = await open(alice);
    const everything = { start: 0n, limit: 0, stats: 0, withXml: false };
    const events = { cursor: null, eventIds: [], dom: null };
    const before = asked.length;
    await assert.rejects(own.snapshot(everything), {
      ...denied,
      message: /domain:getattr by its rules, .* snapshot is for those who may do everything/,
    });
    await assert.rejects(own.eventsOpen(events), denied);
    assert.ok(!asked.slice(before).some((each) => each.includes("domain.getattr")), asked.join("\n"));
    const { own: ofRoot } = await open({ identity: { uid: 0, gid: 0, pid: process.pid } });
    await ofRoot.snapshot(everything);
    await ofRoot.eventsOpen(events);
  });

  test("is asked about a long list little by little, and no more when nobody waits for it", async () => {
    allowed.push("org.libvirt.api.domain.getattr");
    for (let index = 0; index < 120; index++) await define(`long-${index}`);
    const { call, connection } = await open(alice);
    const { domains } = await call.connectListAllDomains({ needResults: 1, flags: 0 });
    assert.equal(domains.filter(({ name }) => name.startsWith("long-")).length, 120);
    const before = asked.length;
    const left = assert.rejects(call.connectListAllDomains({ needResults: 1, flags: 0 }));
    while (asked.length < before + 10) await new Promise(setImmediate);
    connection.close();
    await left;
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    assert.ok(asked.length < before + 30, `${asked.length - before} questions`);
  });

  test("is not asked about an object that nobody knows: a restored file may be anybody's", async () => {
    allowed.push("org.libvirt.api.");
    const { call } = await open(alice);
    const from = "/no/such/file";
    const message = /domain:start by its rules, .* as it does not say which object it is about/;
    await assert.rejects(call.domainRestore({ from }), { ...denied, message });
    await assert.rejects(call.domainSaveImageGetXmlDesc({ file: from, flags: 0 }), denied);
    await assert.rejects(call.domainSaveImageDefineXml({ file: from, dxml: "<domain/>", flags: 0 }), denied);
    await assert.rejects(call.domainDefineXml({ xml: "<domain type='test'/>" }), denied);
    assert.ok(!asked.some((each) => /domain\.(start|read|write) connect_driver=Test$/.test(each)), asked.join("\n"));
    await assert.rejects(root.domainRestore({ from }), ({ code }: { code: number }) => code !== denied.code);
  });

  test("is told the uuid of what is defined: the definition's, or that of who has the name already", async () => {
    allowed.push("org.libvirt.api.");
    const web = await define("web");
    const { call } = await open(alice);
    const xml = (name: string, uuid: string): string =>
      `<domain type='test'><name>${name}</name>${uuid}<memory>8192</memory><os><type>hvm</type></os></domain>`;
    const told = "11111111-1111-4111-8111-111111111111";
    await assert.rejects(call.domainDefineXml({ xml: xml("web", "") }), /already exists/);
    await call.domainDefineXml({ xml: xml("new", `<uuid>${told}</uuid>`) });
    await call.domainDefineXml({ xml: xml("other", "") });
    const writes = asked.filter((each) => each.startsWith("org.libvirt.api.domain.write "));
    assert.deepEqual(
      writes.map((each) => each.split(" ").slice(2).join(" ")),
      [`domain_name=web domain_uuid=${web.uuid}`, `domain_name=new domain_uuid=${told}`, "domain_name=other"],
    );
  });

  test("is told the uuid of the pool of a volume", async () => {
    allowed.push("org.libvirt.api.");
    const { call } = await open(alice);
    const { pool } = await call.storagePoolLookupByName({ name: "default-pool" });
    const before = asked.length;
    const { vol } = await call.storageVolCreateXml({
      pool,
      xml: "<volume><name>a</name><capacity>1024</capacity></volume>",
      flags: 0,
    });
    await call.storageVolGetInfo({ vol });
    await call.storageVolLookupByName({ pool, name: "a" });
    await call.storagePoolListAllVolumes({ pool, needResults: 1, flags: 0 });
    const details = asked.slice(before).filter((each) => each.includes("vol_name"));
    assert.equal(details.length, 4, details.join("\n"));
    for (const each of details)
      assert.ok(each.endsWith(`pool_name=default-pool pool_uuid=${pool.uuid} vol_name=a`), each);
  });

  test("asks nobody about root, and lets nobody do anything whose process is not of this machine", async () => {
    assert.deepEqual(asked, []);
    await assert.rejects(open({ door: "tls", certificate: "CN=a" }), {
      ...denied,
      message: /this machine's processes alone/,
    });
  });

  test("opens nothing for who has left while polkit was asked", async () => {
    let answer: ((code: number) => void) | undefined;
    const serving = new Serving({
      access: "polkit",
      pkcheck: () => new Promise((resolve) => (answer = resolve)),
    });
    serving.driver.opening = Promise.resolve();
    const { call, connection } = serving.connect(alice);
    const opening = assert.rejects(call.connectOpen({ name: "fake:///default", flags: 0 }));
    serving.world.run();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    connection.close();
    serving.world.run();
    await opening;
    answer?.(0);
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
    assert.equal(serving.driver.holds, 0);
  });
});
