import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { crc32 } from "node:zlib";
import type { CallContext } from "../../../src/driver/driver.ts";
import { localContext } from "../../../src/driver/local-context.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import {
  type ArgsOf,
  type Domain,
  type driverProcedures,
  ErrorCode,
  ErrorDomain,
  Lifecycle,
  type LifecycleEvent,
  type RetOf,
} from "../../../src/protocol/index.ts";
import type { Stream } from "../../../src/rpc/index.ts";
import { World } from "../../rpc/world.ts";

type Rows = typeof driverProcedures;

const small = `<domain type='test'>
  <os><type>hvm</type></os>
  <vcpu>2</vcpu>
  <!-- order is libvirt's to choose -->
  <memory unit='MiB'>64</memory>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <name>small</name>
</domain>`;

const context = localContext();

describe("the test hypervisor", () => {
  let driver: TestDriver;
  let events: LifecycleEvent[];
  let now: number;

  beforeEach(() => {
    now = 1_000_000_000_000;
    driver = new TestDriver(new World().loop, { clock: () => now });
    events = [];
    driver.subscribe(({ event }) => {
      if (event.name === "lifecycle") events.push(event);
    });
  });
  afterEach(() => driver.close());

  async function call<N extends keyof Rows>(name: N, args: ArgsOf<Rows[N]>): Promise<RetOf<Rows[N]>> {
    const handler = driver.procedures[name] as
      | ((args: ArgsOf<Rows[N]>, context: CallContext) => RetOf<Rows[N]>)
      | undefined;
    assert.ok(handler !== undefined, `${name} is not there`);
    return handler(args, context);
  }

  async function find(name: string): Promise<Domain> {
    return (await call("domainLookupByName", { name })).dom;
  }

  function told(): string[] {
    const names = Object.entries(Lifecycle).map(([name, { event }]) => [event, name] as const);
    return events.splice(0).map(({ dom, event, detail }) => {
      return `${dom.name} ${dom.id} ${new Map(names).get(event as never)} ${detail}`;
    });
  }

  it("takes its own URI and no other", () => {
    assert.equal(driver.accepts("test:///default"), true);
    assert.equal(driver.accepts("test:///a/file.xml"), true);
    assert.equal(driver.accepts("test://elsewhere/default"), false);
    assert.equal(driver.accepts("qemu:///system"), false);
  });

  it("says what is missing in its URI", () => {
    for (const uri of ["test:///", "test://"]) {
      assert.equal(driver.accepts(uri), true);
      assert.throws(() => driver.connect(uri, { readOnly: false }), {
        code: ErrorCode.invalidArg,
        message: "invalid argument: testOpen: supply a path or use test:///default",
      });
    }
  });

  it("has one running domain at first", async () => {
    const { domains } = await call("connectListAllDomains", { needResults: 1, flags: 0 });
    assert.deepEqual(domains, [{ name: "test", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 }]);
  });

  it("shows a definition in libvirt's form", async () => {
    const { dom } = await call("domainDefineXml", { xml: small });
    const { xml } = await call("domainGetXmlDesc", { dom, flags: 0 });
    assert.match(
      xml,
      /^<domain type='test'>\n {2}<name>small<\/name>\n {2}<uuid>.*\n {2}<memory unit='KiB'>65536<\/memory>/,
    );
    assert.match(
      xml,
      /<vcpu placement='static'>2<\/vcpu>\n {2}<os>\n {4}<type arch='i686'>hvm<\/type>\n {4}<boot dev='hd'\/>/,
    );
    assert.match(xml, /\n {2}<devices>\n {2}<\/devices>\n/);
  });

  it("tells what happens to a domain, with the ids that libvirt tells", async () => {
    const { dom } = await call("domainDefineXml", { xml: small });
    await call("domainCreate", { dom });
    await call("domainSuspend", { dom });
    await call("domainResume", { dom });
    await call("domainDestroy", { dom });
    await call("domainUndefine", { dom });
    assert.deepEqual(told(), [
      "small -1 defined 0",
      "small 2 started 0",
      "small 2 suspended 0",
      "small 2 resumed 0",
      "small -1 stopped 1",
      "small -1 undefined 0",
    ]);
  });

  it("forgets a transient domain at its end, whose last event has its id", async () => {
    const { dom } = await call("domainCreateXml", { xmlDesc: small, flags: 0 });
    await call("domainShutdown", { dom });
    assert.deepEqual(told(), ["small 2 started 0", "small 2 stopped 0"]);
    await assert.rejects(find("small"), {
      code: ErrorCode.noDomain,
      domain: ErrorDomain.test,
      message: "Domain not found",
    });
  });

  it("keeps what a running domain is apart from what it will be", async () => {
    const dom = await find("test");
    await call("domainSetMemoryFlags", { dom, memory: 1024n, flags: 2 });
    assert.equal((await call("domainGetInfo", { dom })).memory, 2_097_152n);
    await call("domainDestroy", { dom });
    assert.equal((await call("domainGetInfo", { dom })).memory, 1024n);
  });

  it("changes nothing when one of the two definitions refuses", async () => {
    const dom = await find("test");
    await call("domainSetVcpusFlags", { dom, nvcpus: 1, flags: 2 | 4 });
    await assert.rejects(call("domainSetVcpusFlags", { dom, nvcpus: 2, flags: 1 | 2 }), { code: ErrorCode.invalidArg });
    assert.equal((await call("domainGetVcpusFlags", { dom, flags: 1 })).num, 2);
    assert.equal((await call("domainGetVcpusFlags", { dom, flags: 2 })).num, 1);
  });

  it("goes back to a snapshot in a new run", async () => {
    const dom = await find("test");
    const { snap } = await call("domainSnapshotCreateXml", { dom, xmlDesc: "<domainsnapshot/>", flags: 0 });
    assert.equal(snap.name, "1000000000");
    await call("domainRevertToSnapshot", { snap, flags: 2 });
    assert.deepEqual(told(), ["test -1 stopped 6", "test 2 started 3", "test 2 suspended 5"]);
  });

  it("gives the children of a deleted snapshot to its parent", async () => {
    const dom = await find("test");
    const snaps = [];
    for (const name of ["a", "b", "c"]) {
      const xmlDesc = `<domainsnapshot><name>${name}</name></domainsnapshot>`;
      snaps.push((await call("domainSnapshotCreateXml", { dom, xmlDesc, flags: 0 })).snap);
    }
    const [, b, c] = snaps;
    assert.ok(b !== undefined && c !== undefined);
    await call("domainSnapshotDelete", { snap: b, flags: 0 });
    assert.equal((await call("domainSnapshotGetParent", { snap: c, flags: 0 })).snap.name, "a");
  });

  it("counts by its clock", async () => {
    const dom = await find("test");
    const before = await call("domainBlockStats", { dom, path: "vda" });
    now += 1000;
    const after = await call("domainBlockStats", { dom, path: "vda" });
    assert.equal(after.rdReq - before.rdReq, 100_000n);
  });

  it("tells of a domain that is gone by uuid and name, to all but those who look it up", async () => {
    const dom = { ...(await find("test")), uuid: "00000000-0000-4000-8000-000000000000" };
    const message = `Domain not found: no domain with matching uuid '${dom.uuid}' (test)`;
    await assert.rejects(call("domainSuspend", { dom }), { code: ErrorCode.noDomain, message });
    await assert.rejects(call("domainLookupByUuid", { uuid: dom.uuid }), { message: "Domain not found" });
  });

  it("refuses limits of a disk that do not fit together, and changes nothing", async () => {
    const dom = await find("test");
    const limit = (field: string, value: bigint) => ({ field, value: { type: "ullong" as const, value } });
    const set = (...params: ReturnType<typeof limit>[]) =>
      call("domainSetBlockIoTune", { dom, disk: "vda", params, flags: 0 });
    await set(limit("read_bytes_sec_max", 10n), limit("read_bytes_sec", 5n));
    await assert.rejects(set(limit("read_bytes_sec", 11n)), { code: ErrorCode.invalidArg });
    await assert.rejects(set(limit("total_bytes_sec_max", 1n)), { code: ErrorCode.invalidArg });
    await assert.rejects(set(limit("nonsense", 1n)), { code: ErrorCode.argumentUnsupported });
    const { xml } = await call("domainGetXmlDesc", { dom, flags: 0 });
    assert.match(xml, /<iotune>\n\s*<read_bytes_sec>5<[^]*<read_bytes_sec_max>10<\/read_bytes_sec_max>\n\s*<\/iotune>/);
    await set(limit("read_bytes_sec", 0n), limit("read_bytes_sec_max", 0n));
    assert.doesNotMatch((await call("domainGetXmlDesc", { dom, flags: 0 })).xml, /iotune/);
  });

  it("sends a picture that is one", async () => {
    const dom = await find("test");
    const { ret, serve } = (await driver.procedures.domainScreenshot?.({ dom, screen: 0, flags: 0 }, context)) ?? {};
    assert.equal(ret?.mime, "image/png");
    const parts: Uint8Array[] = [];
    let finished = false;
    const stream = {
      write: async (bytes: Uint8Array) => void parts.push(bytes),
      finish: async () => {
        finished = true;
      },
    };
    await serve?.(stream as unknown as Stream);
    const picture = Buffer.concat(parts);
    assert.ok(finished);
    assert.equal(picture.subarray(1, 4).toString("latin1"), "PNG");
    let at = 8;
    for (const type of ["IHDR", "IDAT", "IEND"]) {
      const length = picture.readUInt32BE(at);
      assert.equal(picture.toString("latin1", at + 4, at + 8), type);
      assert.equal(picture.readUInt32BE(at + 8 + length), crc32(picture.subarray(at + 4, at + 8 + length)));
      at += 12 + length;
    }
    assert.equal(at, picture.length);
  });

  it("takes up a checkpoint from before behind its parent, in no circle", async () => {
    const dom = await find("test");
    const redefine = (name: string, parent?: string) => {
      const parents = parent === undefined ? "" : `<parent><name>${parent}</name></parent>`;
      const xmlDesc = `<domaincheckpoint><name>${name}</name>${parents}<creationTime>5</creationTime></domaincheckpoint>`;
      return call("domainCheckpointCreateXml", { dom, xmlDesc, flags: 1 });
    };
    await redefine("a");
    await redefine("b", "a");
    await assert.rejects(redefine("a", "b"), { message: /parent b would create cycle to a/ });
    await assert.rejects(redefine("c", "nobody"), { message: /parent nobody for moment c not found/ });
    const { checkpoint } = await redefine("c", "b");
    const { xml } = await call("domainCheckpointGetXmlDesc", { checkpoint, flags: 0 });
    assert.match(xml, /<parent>\n\s*<name>b<[^]*<creationTime>5</);
    assert.doesNotMatch(xml, /<domain /);
  });

  it("does nothing any more once it is closed", async () => {
    await driver.close();
    await driver.close();
    assert.deepEqual(driver.procedures, {});
  });
});
