import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { CallContext } from "../../../src/driver/driver.ts";
import { bitsOf, pair, select } from "../../../src/driver/objects/flag-filter.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import {
  type ArgsOf,
  type driverProcedures,
  ErrorCode,
  ErrorDomain,
  type ObjectEvent,
  type RetOf,
} from "../../../src/protocol/index.ts";
import { World } from "../../rpc/world.ts";

type Rows = typeof driverProcedures;

const pool = { name: "default-pool", uuid: "dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566" };
const net = { name: "default", uuid: "dd8fe884-6c02-601e-7551-cca97df1c5df" };
const gibibyte = 1024n ** 3n;

describe("the test hypervisor's host", () => {
  let driver: TestDriver;
  let events: ObjectEvent[];

  beforeEach(() => {
    driver = new TestDriver(new World().loop);
    events = [];
    driver.objectEvents.subscribe((event) => events.push(event));
  });
  afterEach(() => driver.close());

  async function call<N extends keyof Rows>(name: N, args: ArgsOf<Rows[N]>): Promise<RetOf<Rows[N]>> {
    const handler = driver.procedures[name] as
      | ((args: ArgsOf<Rows[N]>, context: CallContext) => RetOf<Rows[N]>)
      | undefined;
    assert.ok(handler !== undefined, `${name} is not there`);
    return handler(args, {} as CallContext);
  }

  it("has one of each kind of object, and four devices", async () => {
    assert.deepEqual((await call("connectListNetworks", { maxnames: 9 })).names, ["default"]);
    assert.deepEqual((await call("connectListStoragePools", { maxnames: 9 })).names, ["default-pool"]);
    assert.deepEqual((await call("connectListInterfaces", { maxnames: 9 })).names, ["eth1"]);
    assert.equal((await call("nodeNumOfDevices", { cap: null, flags: 0 })).num, 4);
    assert.equal((await call("nodeNumOfDevices", { cap: "vports", flags: 0 })).num, 2);
  });

  it("tells what happens to a network, and forgets a transient one at its end", async () => {
    const { net: made } = await call("networkCreateXml", { xml: "<network><name>short</name></network>" });
    await call("networkDestroy", { net: made });
    const told = events.map((event) => (event.name === "networkEventLifecycle" ? [event.net.name, event.event] : []));
    assert.deepEqual(told, [
      ["short", 2],
      ["short", 3],
    ]);
    await assert.rejects(call("networkLookupByName", { name: "short" }), {
      code: ErrorCode.noNetwork,
      domain: ErrorDomain.test,
      message: "Network not found: no network with matching name 'short'",
    });
  });

  it("changes an active network and its configuration apart", async () => {
    const update = { net, command: 3, section: 11, parentIndex: -1, xml: "<txt name='a' value='b'/>" };
    const shown = async (): Promise<boolean> =>
      (await call("networkGetXmlDesc", { net, flags: 0 })).xml.includes("<txt name='a'");
    await call("networkUpdate", { ...update, flags: 2 });
    assert.equal(await shown(), false);
    await assert.rejects(call("networkUpdate", { ...update, flags: 1 | 2 }), { code: ErrorCode.operationInvalid });
    assert.equal(await shown(), false);
    await call("networkUpdate", { ...update, flags: 1 });
    assert.equal(await shown(), true);
  });

  it("counts what volumes take from their pool, and refuses what does not fit", async () => {
    const xml = (name: string, size: number) =>
      `<volume><name>${name}</name><capacity unit='G'>${size}</capacity></volume>`;
    const { vol } = await call("storageVolCreateXml", { pool, xml: xml("a", 60), flags: 0 });
    assert.deepEqual(vol, { pool: "default-pool", name: "a", key: "/default-pool/a" });
    await assert.rejects(call("storageVolCreateXml", { pool, xml: xml("b", 41), flags: 0 }), {
      code: ErrorCode.internalError,
      message: "internal error: Not enough free space in pool for volume 'b'",
    });
    assert.equal((await call("storagePoolGetInfo", { pool })).available, 40n * gibibyte);
    await call("storageVolDelete", { vol, flags: 0 });
    assert.equal((await call("storagePoolGetInfo", { pool })).available, 100n * gibibyte);
  });

  it("does not find the volumes of a pool that is not active", async () => {
    const xml = "<volume><name>a</name><capacity>1</capacity></volume>";
    await call("storageVolCreateXml", { pool, xml, flags: 0 });
    await call("storagePoolDestroy", { pool });
    await assert.rejects(call("storageVolLookupByPath", { path: "/default-pool/a" }), { code: ErrorCode.noStorageVol });
    await call("storagePoolCreate", { pool, flags: 0 });
    assert.equal((await call("storageVolLookupByPath", { path: "/default-pool/a" })).vol.name, "a");
  });

  it("brings interfaces back that were removed in a change that is taken back", async () => {
    const iface = { name: "eth1", mac: "" };
    await call("interfaceChangeBegin", { flags: 0 });
    await call("interfaceUndefine", { iface });
    await assert.rejects(call("interfaceLookupByName", { name: "eth1" }), { code: ErrorCode.noInterface });
    await call("interfaceChangeRollback", { flags: 0 });
    assert.equal((await call("interfaceLookupByName", { name: "eth1" })).iface.mac, "aa:bb:cc:dd:ee:ff");
  });
});

describe("the host of a machine from a file", () => {
  it("has the objects that stand in it, and no others", async () => {
    const directory = mkdtempSync(join(tmpdir(), "host-objects-"));
    const file = join(directory, "node.xml");
    writeFileSync(
      file,
      `<node><network><name>inner</name></network><interface type='ethernet' name='eth7'/>
        <pool type='dir'><name>disks</name><target><path>/disks</path></target>
          <volume><name>a</name><capacity>10</capacity></volume></pool></node>`,
    );
    const driver = new TestDriver(new World().loop);
    const hold = await driver.connect(`test://${file}`, { readOnly: false });
    const call = hold.hypervisor.procedures as unknown as Readonly<Record<string, (args: object) => unknown>>;
    assert.deepEqual(call.connectListNetworks?.({ maxnames: 9 }), { names: ["inner"] });
    assert.deepEqual(call.connectListInterfaces?.({ maxnames: 9 }), { names: ["eth7"] });
    assert.deepEqual(call.nodeNumOfDevices?.({ cap: null, flags: 0 }), { num: 0 });
    const found = call.storageVolLookupByPath?.({ path: "/disks/a" });
    assert.deepEqual(found, { vol: { pool: "disks", name: "a", key: "/disks/a" } });
    hold.release();
    await driver.close();
    rmSync(directory, { recursive: true });
  });
});

describe("a filter by flags", () => {
  const groups = [pair<number>(1, 2, (each) => each > 2), pair<number>(4, 8, (each) => each % 2 === 0)];
  const cases: [flags: number, found: number[]][] = [
    [0, [1, 2, 3, 4]],
    [1, [3, 4]],
    [1 | 2, [1, 2, 3, 4]],
    [1 | 8, [3]],
    [2 | 4, [2]],
  ];
  for (const [flags, found] of cases) {
    it(`lets through what passes one of each group that is asked for: ${flags}`, () => {
      assert.deepEqual(select([1, 2, 3, 4], groups, flags), found);
    });
  }

  it("knows its bits", () => {
    assert.equal(bitsOf(groups), 15);
  });
});
