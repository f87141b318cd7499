import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { CallContext, Hypervisor } from "../../../src/driver/driver.ts";
import { localContext } from "../../../src/driver/local-context.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import { type ArgsOf, type Domain, type driverProcedures, ErrorCode, type RetOf } from "../../../src/protocol/index.ts";
import { World } from "../../rpc/world.ts";

type Rows = typeof driverProcedures;

const [live, config, both] = [1, 2, 3];
const inactive = 2;
const disk = (dev: string, inner = ""): string =>
  `<disk type='file' device='disk'><source file='/${dev}.img'/><target dev='${dev}'/>${inner}</disk>`;
const mac = "52:54:00:11:22:33";
const nic = (inner = ""): string =>
  `<interface type='network'><mac address='${mac}'/><source network='default'/>${inner}</interface>`;
const rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>";
const cdrom = (source: string): string => `<disk type='file' device='cdrom'>${source}<target dev='hdc'/></disk>`;

describe("devices of the test hypervisor's domains", () => {
  let driver: TestDriver;
  let hypervisor: Hypervisor;
  let dom: Domain;
  let events: string[];

  beforeEach(async () => {
    driver = new TestDriver(new World().loop);
    ({ hypervisor } = await driver.connect("test:///default", { readOnly: false }));
    events = [];
    hypervisor.subscribe(({ event }) => {
      if (event.name === "deviceAdded" || event.name === "deviceRemoved") {
        events.push(`${event.name} ${event.devAlias}`);
      }
    });
    const devices = `${disk("vda")}${cdrom("<source file='/a.iso'/>")}${rng}<graphics type='vnc' port='5900'/>`;
    const xml = `<domain type='test'><name>small</name><memory>1024</memory><os><type>hvm</type></os><devices>${devices}</devices></domain>`;
    ({ dom } = await call("domainDefineXml", { xml }));
    await call("domainCreate", { dom });
  });
  afterEach(() => driver.close());

  async function call<N extends keyof Rows>(name: N, args: ArgsOf<Rows[N]>): Promise<RetOf<Rows[N]>> {
    const handler = hypervisor.procedures[name] as (args: ArgsOf<Rows[N]>, context: CallContext) => RetOf<Rows[N]>;
    return handler(args, localContext());
  }

  const attach = (xml: string, flags = live) => call("domainAttachDeviceFlags", { dom, xml, flags });
  const detach = (xml: string, flags = live) => call("domainDetachDeviceFlags", { dom, xml, flags });
  const update = (xml: string, flags = live) => call("domainUpdateDeviceFlags", { dom, xml, flags });

  async function shown(flags: number): Promise<string> {
    return (await call("domainGetXmlDesc", { dom, flags })).xml;
  }

  it("are attached to the definitions that are chosen, and named in the running one", async () => {
    await attach(disk("vdb"));
    await attach(disk("vdc"), config);
    await attach(disk("sdb"), both);
    assert.match(await shown(0), /<target dev='vdb' bus='virtio'\/>\n\s*<alias name='virtio-disk1'\/>/);
    assert.match(await shown(0), /<alias name='scsi0-0-0-1'\/>/);
    assert.doesNotMatch(await shown(0), /vdc/);
    assert.match(await shown(inactive), /vdc[^]*sdb/);
    assert.doesNotMatch(await shown(inactive), /vdb|alias/);
    assert.deepEqual(events, ["deviceAdded virtio-disk1", "deviceAdded scsi0-0-0-1"]);
  });

  it("have the lowest names that are free", async () => {
    await attach("<interface type='user'/>");
    await attach(nic());
    await call("domainDetachDeviceAlias", { dom, alias: "net0", flags: live });
    await attach("<interface type='user'/>");
    const added = ["deviceAdded net0", "deviceAdded net1", "deviceRemoved net0", "deviceAdded net0"];
    assert.deepEqual(events, added);
  });

  it("have one and the same address in both definitions where none is given", async () => {
    await attach("<interface type='user'/>", both);
    const address = /<mac address='(52:54:00:[^']*)'/;
    const [, given] = address.exec(await shown(0)) ?? [];
    assert.ok(given !== undefined);
    assert.equal(address.exec(await shown(inactive))?.[1], given);
  });

  it("are not attached twice, and then no definition is changed", async () => {
    await attach(disk("vdb"), config);
    const before = await shown(0);
    const refused = { code: ErrorCode.operationInvalid, message: /target vdb already exists/ };
    await assert.rejects(attach(disk("vdb"), both), refused);
    assert.equal(await shown(0), before);
    await attach(nic());
    await assert.rejects(attach(nic()), { code: ErrorCode.operationInvalid });
    assert.deepEqual(events, ["deviceAdded net0"]);
  });

  it("are detached by what they are, whatever stands beside it", async () => {
    await detach("<disk><target dev='vda'/></disk>", both);
    await detach("<rng model='virtio'>\n <backend model='random'>/dev/urandom</backend> <alias name='x'/></rng>");
    assert.doesNotMatch(await shown(0), /vda|rng/);
    assert.match(await shown(inactive), /rng/);
    assert.deepEqual(events, ["deviceRemoved virtio-disk0", "deviceRemoved rng0"]);
  });

  it("are missed where they are not", async () => {
    const missing = (detail: string) => ({ code: ErrorCode.deviceMissing, message: `device not found: ${detail}` });
    await assert.rejects(detach(disk("vdb")), missing("disk vdb not found"));
    await assert.rejects(update(nic()), missing(`interface ${mac} not found`));
    const byAlias = call("domainDetachDeviceAlias", { dom, alias: "net7", flags: live });
    await assert.rejects(byAlias, missing("no device found with alias net7"));
  });

  it("are updated: media, interfaces and graphics", async () => {
    await attach(nic(), both);
    await update(nic("<link state='down'/>"), both);
    assert.match(await shown(0), /<link state='down'\/>\n\s*<alias name='net0'\/>/);
    await update(cdrom("<source file='/b.iso'/>"), live | 4);
    assert.match(await shown(0), /b\.iso/);
    assert.match(await shown(inactive), /a\.iso/);
    await update(cdrom(""));
    assert.doesNotMatch(await shown(0), /iso/);
    await update("<graphics type='vnc' port='5900' passwd='x'/>");
    assert.match(await call("domainGetXmlDesc", { dom, flags: 1 }).then(({ xml }) => xml), /type='vnc' port='5900'/);
  });

  it("stay as they are where nothing of theirs can change", async () => {
    const refused = { code: ErrorCode.operationUnsupported };
    await assert.rejects(update(rng), { ...refused, message: /live update of device 'rng' is not supported/ });
    await assert.rejects(update(disk("vda").replace("/vda.img", "/other.img")), refused);
    await assert.rejects(attach("<video/>"), refused);
    await attach("<video/>", config);
  });

  it("are refused where the domain does not run, or the text is none", async () => {
    await assert.rejects(attach("<nosuch/>"), { code: ErrorCode.xmlError, message: /unknown device type 'nosuch'/ });
    await assert.rejects(attach("<disk>"), { code: ErrorCode.xmlDetail });
    await assert.rejects(attach("<disk/>"), { code: ErrorCode.xmlError });
    await call("domainDestroy", { dom });
    const off = { code: ErrorCode.operationInvalid, message: /domain is not running/ };
    await assert.rejects(call("domainAttachDevice", { dom, xml: disk("vdb") }), off);
    await assert.rejects(call("domainDetachDevice", { dom, xml: disk("vda") }), off);
    await attach(disk("vdb"), 0);
    assert.match(await shown(0), /vdb/);
    assert.deepEqual(events, []);
  });
});
