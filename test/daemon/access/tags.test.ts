import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { AccessRules, Daemon, type Origin } from "../../../src/daemon/index.ts";
import { tagNamespace } from "../../../src/driver/domain-tags.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import type { Loop } from "../../../src/event/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { type Client, type Domain, remote } from "../../../src/protocol/index.ts";
import {
  type CallOptions,
  Connection,
  clientOf,
  decodeEvent,
  pairInMemory,
  type Stream,
} from "../../../src/rpc/index.ts";

type Call = Client<typeof remote.procedures, CallOptions, Stream>;

const rules = [
  "allow user root *",
  "deny anybody domain:delete tagged keep",
  "allow certificate CN=web domain:* tagged web",
  "allow certificate CN=web connect:*",
  "allow certificate CN=all domain:*,connect:*",
  "allow certificate CN=lead domain:tag,domain:write,domain:save on web-*",
  "allow certificate CN=lead connect:*",
];
const denied = { code: 88, domain: 55 };
const elementType = 2;
const config = 2;

function uuidOf(number: number): string {
  return `04c6774c-a016-4ca7-8d75-9930f0bbbd0${number}`;
}

function tagsText(...tags: string[]): string {
  return `<access>${tags.map((tag) => `<tag>${tag}</tag>`).join("")}</access>`;
}

function metadata(...tags: string[]): string {
  const inner = tags.map((tag) => `<a:tag>${tag}</a:tag>`).join("");
  return tags.length === 0 ? "" : `<metadata><a:access xmlns:a='${tagNamespace}'>${inner}</a:access></metadata>`;
}

function xml(name: string, uuid: string | undefined, more: string): string {
  const own = uuid === undefined ? "" : `<uuid>${uuid}</uuid>`;
  return `<domain type='test'><name>${name}</name>${own}${more}<memory>8192</memory><os><type>hvm</type></os></domain>`;
}

suite("rules by tag", () => {
  let loop: Loop;
  let driver: TestDriver;
  let daemon: Daemon;
  let root: Call;
  let directory: string;
  let web: Domain;
  let kept: Domain;
  let plain: Domain;

  before(() => {
    loop = openLoop();
    directory = mkdtempSync(join(tmpdir(), "virtwright-tags-"));
  });
  after(async () => {
    await loop.close();
    rmSync(directory, { recursive: true });
  });
  beforeEach(async () => {
    driver = new TestDriver(loop);
    daemon = new Daemon(loop, { drivers: [driver], access: new AccessRules(rules) });
    root = (await open({ identity: { uid: 0, gid: 0, pid: 1 } })).call;
    const define = async (name: string, number: number, ...tags: string[]): Promise<Domain> =>
      (await root.domainDefineXml({ xml: xml(name, uuidOf(number), metadata(...tags)) })).dom;
    web = await define("web-1", 1, "web");
    kept = await define("web-2", 2, "web", "keep");
    plain = await define("plain", 3);
  });
  afterEach(async () => {
    await daemon.close(0);
    await driver.close();
  });

  async function open(origin: Origin): Promise<{ readonly call: Call; readonly heard: string[] }> {
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
    return { call, heard };
  }
  const as = async (who: string): Promise<Call> => (await open({ door: "tls", certificate: `CN=${who}` })).call;

  /** Of each definition, by name. */
  async function tags(): Promise<string[]> {
    const { domains } = await root.connectListAllDomains({ needResults: 1, flags: 0 });
    const { hypervisor } = await Promise.resolve(driver.connect("test:///default", { readOnly: false }));
    return domains.map(({ name, uuid }) => `${name}: ${JSON.stringify(hypervisor.tagsOf?.(uuid))}`).sort();
  }

  test("let somebody do what they may with domains that have the tag, and see no others", async () => {
    const call = await as("web");
    await call.domainCreate({ dom: web });
    await assert.rejects(call.domainCreate({ dom: plain }), denied);
    await assert.rejects(call.domainCreate({ dom: { ...plain, name: "web-1" } }), denied);
    const { domains, ret } = await call.connectListAllDomains({ needResults: 1, flags: 0 });
    assert.deepEqual([domains.map(({ name }) => name).sort(), ret], [["web-1", "web-2"], 2]);
    assert.deepEqual(await call.connectListDefinedDomains({ maxnames: 9 }), { names: ["web-2"] });
    assert.deepEqual(await call.connectNumOfDefinedDomains({}), { num: 1 });
    assert.deepEqual(await call.connectNumOfDomains({}), { num: 1 });
    assert.equal((await call.connectListDomains({ maxids: 9 })).ids.length, 1);
    const { retStats } = await call.connectGetAllDomainStats({ doms: [], stats: 0, flags: 0 });
    assert.deepEqual(retStats.map(({ dom }) => dom.name).sort(), ["web-1", "web-2"]);
    await assert.rejects(call.domainLookupByName({ name: "plain" }), denied);
    assert.equal((await call.domainLookupByName({ name: "web-2" })).dom.uuid, kept.uuid);
  });

  test("tell of events of what somebody sees, the last one of a domain that is gone included", async () => {
    const { call, heard } = await open({ door: "tls", certificate: "CN=web" });
    await call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom: null });
    for (const dom of [web, plain]) {
      await root.domainCreate({ dom });
      await root.domainDestroy({ dom });
      await root.domainUndefine({ dom });
    }
    await call.connectGetLibVersion({});
    assert.deepEqual(heard, ["web-1 2", "web-1 5", "web-1 1"]);
  });

  test("deny by a tag, whoever else may, also where one of two definitions alone has it", async () => {
    const call = await as("all");
    await assert.rejects(call.domainUndefine({ dom: kept }), {
      ...denied,
      message: /domain:delete on 'web-2' by rule 2/,
    });
    await root.domainCreate({ dom: plain });
    const keep = { type: elementType, key: "a", uri: tagNamespace, metadata: tagsText("keep") };
    await root.domainSetMetadata({ dom: plain, ...keep, flags: config });
    assert.ok((await tags()).includes('plain: [[],["keep"]]'), (await tags()).join());
    await assert.rejects(call.domainUndefine({ dom: plain }), denied);
    await call.domainUndefine({ dom: web });
  });

  test("let who may set tags set them, where they may", async () => {
    const call = await as("lead");
    const given = { type: elementType, key: "a", uri: tagNamespace, metadata: tagsText("web", "new"), flags: config };
    await call.domainSetMetadata({ dom: web, ...given });
    await call.domainDefineXml({ xml: xml("web-9", uuidOf(9), metadata("web")) });
    await assert.rejects(call.domainSetMetadata({ dom: plain, ...given }), denied);
    assert.deepEqual(await tags(), [
      "plain: [[],[]]",
      "test: [[],[]]",
      'web-1: [["web","new"],["web","new"]]',
      'web-2: [["web","keep"],["web","keep"]]',
      'web-9: [["web"],["web"]]',
    ]);
  });

  test("ask for no more than before when tags stay as they are", async () => {
    const call = await as("web");
    await call.domainDefineXml({ xml: xml("web-1", uuidOf(1), `<title>t</title>${metadata("web")}`) });
    await call.domainSetMetadata({ dom: web, type: 1, key: null, uri: null, metadata: "title", flags: config });
    await call.domainSetMetadata({ dom: web, type: 2, key: "x", uri: "urn:x", metadata: "<x/>", flags: config });
    const { snap } = await call.domainSnapshotCreateXml({ dom: web, xmlDesc: "<domainsnapshot/>", flags: 0 });
    await call.domainRevertToSnapshot({ snap, flags: 0 });
    const everywhere = await as("all");
    await everywhere.domainDefineXml({ xml: xml("other", undefined, "") });
    await everywhere.domainUndefine({ dom: (await everywhere.domainLookupByName({ name: "other" })).dom });
  });

  const own = { type: elementType, key: "a", uri: tagNamespace, flags: config };
  const attacks: readonly (readonly [what: string, act: (call: Call) => Promise<unknown>])[] = [
    [
      "another tag, by metadata",
      (call) => call.domainSetMetadata({ dom: web, ...own, metadata: tagsText("web", "db") }),
    ],
    ["no tags, by metadata", (call) => call.domainSetMetadata({ dom: kept, ...own, metadata: null })],
    ["a tag less, by metadata", (call) => call.domainSetMetadata({ dom: kept, ...own, metadata: tagsText("web") })],
    [
      "metadata under another's name",
      (call) => call.domainSetMetadata({ dom: { ...plain, name: "web-1" }, ...own, metadata: tagsText("web") }),
    ],
    ["no tags, by a definition", (call) => call.domainDefineXml({ xml: xml("web-2", uuidOf(2), "") })],
    ["a tag less, by a definition", (call) => call.domainDefineXml({ xml: xml("web-2", uuidOf(2), metadata("web")) })],
    [
      "by a definition that is checked first",
      (call) => call.domainDefineXmlFlags({ xml: xml("web-2", uuidOf(2), ""), flags: 1 }),
    ],
    [
      "the uuid in other letters",
      (call) => call.domainDefineXml({ xml: xml("web-2", uuidOf(2).toUpperCase().replaceAll("-", ""), "") }),
    ],
    [
      "tags in a comment",
      (call) => call.domainDefineXml({ xml: xml("web-2", uuidOf(2), `<!--${metadata("web", "keep")}-->`) }),
    ],
    [
      "tags of another namespace",
      (call) =>
        call.domainDefineXml({
          xml: xml("web-2", uuidOf(2), metadata("web", "keep").replace(tagNamespace, `${tagNamespace}0`)),
        }),
    ],
    [
      "tags one level too deep",
      (call) =>
        call.domainDefineXml({
          xml: xml("web-2", uuidOf(2), `<metadata><x:x xmlns:x='urn:x'>${metadata("web", "keep")}</x:x></metadata>`),
        }),
    ],
    [
      "a namespace in references",
      (call) =>
        call.domainDefineXml({ xml: xml("web-1", uuidOf(1), metadata("web", "db").replace("https", "&#104;ttps")) }),
    ],
    [
      "a namespace without prefix",
      (call) =>
        call.domainDefineXml({
          xml: xml(
            "web-1",
            uuidOf(1),
            `<metadata><access xmlns='${tagNamespace}'><tag>web</tag><tag>db</tag></access></metadata>`,
          ),
        }),
    ],
    [
      "a namespace from the root",
      (call) =>
        call.domainDefineXml({
          xml: xml("web-1", uuidOf(1), "<metadata><a:access><tag>web</tag><tag>db</tag></a:access></metadata>").replace(
            "<domain ",
            `<domain xmlns:a='${tagNamespace}' `,
          ),
        }),
    ],
    [
      "a second metadata",
      (call) => call.domainDefineXml({ xml: xml("web-1", uuidOf(1), metadata("web") + metadata("db")) }),
    ],
    ["a new domain with tags", (call) => call.domainDefineXml({ xml: xml("new", undefined, metadata("web")) })],
    [
      "a guest with tags",
      (call) => call.domainCreateXml({ xmlDesc: xml("new", undefined, metadata("web")), flags: 0 }),
    ],
    ["a guest over a definition", (call) => call.domainCreateXml({ xmlDesc: xml("web-2", uuidOf(2), ""), flags: 0 })],
    ["a file", (call) => call.domainRestore({ from: join(directory, "saved") })],
    [
      "a definition beside a file",
      (call) =>
        call.domainRestoreFlags({ from: join(directory, "saved"), dxml: xml("web-2", uuidOf(2), ""), flags: 0 }),
    ],
    [
      "another definition in a file",
      (call) =>
        call.domainSaveImageDefineXml({ file: join(directory, "saved"), dxml: xml("web-2", uuidOf(2), ""), flags: 0 }),
    ],
    [
      "a snapshot of before",
      async (call) => {
        const { snapshots } = await root.domainListAllSnapshots({ dom: kept, needResults: 1, flags: 0 });
        await call.domainRevertToSnapshot({ snap: snapshots[0] as never, flags: 0 });
      },
    ],
  ];

  for (const who of ["web", "all"])
    test(`are not evaded by who may do all but change tags: ${who}`, async () => {
      const { dom } = await root.domainDefineXml({ xml: xml("web-2", uuidOf(2), metadata("web")) });
      await root.domainSnapshotCreateXml({ dom, xmlDesc: "<domainsnapshot/>", flags: 0 });
      await root.domainDefineXml({ xml: xml("web-2", uuidOf(2), metadata("web", "keep")) });
      await root.domainCreate({ dom: kept });
      await root.domainSave({ dom: kept, to: join(directory, "saved") });
      const before = await tags();
      const call = await as(who);
      for (const [what, act] of attacks) {
        await assert.rejects(act(call), denied, what);
        assert.deepEqual(await tags(), before, what);
      }
    });

  test("are not evaded by a snapshot that becomes another while its caller is asked about", async () => {
    const { snap } = await root.domainSnapshotCreateXml({ dom: kept, xmlDesc: "<domainsnapshot/>", flags: 0 });
    const { xml: same } = await root.domainSnapshotGetXmlDesc({ snap, flags: 0 });
    const other = same.replace(/<(\w+:)?tag>keep<\/\1tag>/, "");
    assert.notEqual(other, same);
    const before = await tags();
    const call = await as("all");
    const redefine = (xmlDesc: string) => call.domainSnapshotCreateXml({ dom: kept, xmlDesc, flags: 1 });
    const reverted = assert.rejects(call.domainRevertToSnapshot({ snap, flags: 0 }), denied);
    await redefine(other);
    await reverted;
    assert.deepEqual(await tags(), before);
    await redefine(same);
    await call.domainRevertToSnapshot({ snap, flags: 0 });

    const { hypervisor } = await Promise.resolve(driver.connect("test:///default", { readOnly: false }));
    const stall = { kind: "stall", on: "domainSnapshotCreateXml", dom: null, skip: 0, times: 1 };
    const fault = { ...stall, delayMs: 0, code: 0, message: null };
    const { id } = (await hypervisor.procedures.faultAdd?.({ fault }, {} as never)) ?? assert.fail();
    const redefined = redefine(other);
    const waiting = assert.rejects(call.domainRevertToSnapshot({ snap, flags: 0 }), denied);
    await call.connectGetLibVersion({});
    await hypervisor.procedures.faultRemove?.({ id }, {} as never);
    await Promise.all([redefined, waiting]);
    assert.deepEqual(await tags(), before, "who waits for a turn meets what there is then");
    await assert.rejects(call.domainRevertToSnapshot({ snap: { ...snap, name: "none" }, flags: 0 }), { code: 72 });
  });

  test("know of tags only what is a tag", async () => {
    const call = await as("all");
    const inner = `<metadata><x:x xmlns:x='urn:x'><access xmlns='${tagNamespace}'><tag>web</tag></access></x:x></metadata>`;
    await call.domainDefineXml({ xml: xml("plain", uuidOf(3), inner) });
    const sly = { type: elementType, key: "b", uri: "urn:b", flags: config };
    await call.domainSetMetadata({
      dom: plain,
      ...sly,
      metadata: `<access xmlns='${tagNamespace}'><tag>web</tag></access>`,
    });
    await call.domainSetMetadata({ dom: plain, ...sly, uri: `${tagNamespace} `, metadata: tagsText("web") });
    assert.ok((await tags()).includes("plain: [[],[]]"), (await tags()).join());
  });
});
