import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CallContext } from "../../../src/driver/driver.ts";
import { deviceProcedures } from "../../../src/driver/xen/procedures/devices.ts";
import { Deferred } from "../../../src/event/index.ts";
import { LibxlError, ProcessEndedError } from "../../../src/libxl/index.ts";
import { Bench, BenchWorld, uuid } from "./bench.ts";

const disk = "<disk type='block'><source dev='/dev/a'/><target dev='xvdb'/></disk>";
const card = "<interface type='bridge'><source bridge='br0'/></interface>";
const drive = "<disk type='file' device='cdrom'><source file='/a.iso'/><target dev='hdc' bus='ide'/></disk>";
const both = 3;
const [live, config] = [1, 2];

type Call = "domainAttachDeviceFlags" | "domainDetachDeviceFlags" | "domainUpdateDeviceFlags";

class DeviceBench extends Bench {
  ask(call: Call, xml: string, flags: number): Promise<unknown> {
    const procedure = deviceProcedures(this.guests)[call];
    const context = { signal: new AbortController().signal } as CallContext;
    const dom = { name: "hello", uuid, id: this.domain.id };
    return Promise.resolve(procedure?.({ dom, xml, flags }, context));
  }

  /** What they are called: of the run, and of the definition that is kept. */
  get devices(): { readonly run: string[]; readonly kept: string[] } {
    const of = (text = ""): string[] =>
      [...text.matchAll(/<(?:target dev|mac address)='([^']*)'/g)].map(([, name = ""]) => name);
    return { run: of(this.domain.definition?.toXml()), kept: of(this.domain.persistent?.toXml()) };
  }

  async end(): Promise<void> {
    if (this.domain.incarnation !== undefined) await this.done(this.operations.destroy(this.domain, {}));
    this.checkQuiet();
  }
}

async function running(more = "", world?: BenchWorld): Promise<DeviceBench> {
  const bench = (await new DeviceBench(world).loaded()) as DeviceBench;
  await bench.running(more);
  return bench;
}

describe("A device of a guest of Xen", () => {
  test("comes and goes, and no event tells of it, as with libvirt", async () => {
    const bench = await running();
    await bench.done(bench.ask("domainAttachDeviceFlags", disk, both));
    await bench.done(bench.ask("domainAttachDeviceFlags", card, both));
    const { run, kept } = bench.devices;
    assert.deepEqual(kept, run);
    assert.match(kept.join(" "), /^xvdb 00:16:3e:/);
    assert.equal(bench.records.get(uuid)?.definition.toXml().includes("xvdb"), true);
    await bench.done(bench.ask("domainDetachDeviceFlags", disk, live));
    await bench.done(bench.ask("domainDetachDeviceFlags", card, config));
    assert.deepEqual(bench.devices, { run: run.slice(1), kept: ["xvdb"] });
    assert.deepEqual(bench.log, []);
    await bench.end();
  });

  test("that libxl does not take is in neither definition", async () => {
    const bench = await running();
    bench.xen.failures.set("addDevice", new LibxlError(-3, "addDevice", { log: ["no such file"] }));
    const message = await bench.refused(bench.ask("domainAttachDeviceFlags", disk, both));
    assert.match(message, /libxenlight failed to attach disk 'xvdb': FAIL: no such file$/);
    assert.deepEqual(bench.devices, { run: [], kept: [] });
    await bench.end();
  });

  test("that may have come when libxl's process ended is taken away again", async () => {
    const bench = await running();
    const add = bench.xen.addDevice.bind(bench.xen);
    bench.xen.addDevice = async (...given) => {
      await add(...given);
      throw new ProcessEndedError("killed");
    };
    assert.match(await bench.refused(bench.ask("domainAttachDeviceFlags", disk, both)), /killed/);
    assert.deepEqual(bench.xen.devicesOf(bench.domain.id), []);
    assert.deepEqual(bench.devices, { run: [], kept: [] });
    await bench.end();
  });

  test("that was going when libxl's process ended has gone", async () => {
    const bench = await running();
    await bench.done(bench.ask("domainAttachDeviceFlags", disk, live));
    const remove = bench.xen.removeDevice.bind(bench.xen);
    let isFirst = true;
    bench.xen.removeDevice = async (...given) => {
      await remove(...given);
      if (isFirst) {
        isFirst = false;
        throw new ProcessEndedError("killed");
      }
    };
    await bench.done(bench.ask("domainDetachDeviceFlags", disk, live));
    assert.deepEqual(bench.devices.run, []);
    await bench.end();
  });

  test("is not written down when the guest has ended meanwhile, nor given to its next run", async () => {
    const bench = await running();
    const add = bench.xen.addDevice.bind(bench.xen);
    bench.xen.addDevice = async (...given) => {
      await add(...given);
      bench.xen.remove(given[0]);
      await bench.settle();
    };
    assert.match(await bench.refused(bench.ask("domainAttachDeviceFlags", disk, both)), /domain is not running/);
    assert.deepEqual(bench.devices.kept, []);
    await bench.done(bench.operations.start(bench.domain, {}, {}));
    assert.deepEqual(bench.xen.devicesOf(bench.domain.id), []);
    await bench.end();
  });

  for (const [what, call, before, devices] of [
    ["came", "domainAttachDeviceFlags", [], ["xvdb"]],
    ["went", "domainDetachDeviceFlags", [disk], []],
  ] as const) {
    test(`that ${what} while the daemon was killed is known to the next one`, async () => {
      const world = new BenchWorld();
      const bench = await running("", world);
      for (const each of before) await bench.done(bench.ask("domainAttachDeviceFlags", each, live));
      const answer = what === "came" ? "the answer to addDevice" : "the answer to removeDevice";
      world.gates.set(answer, new Deferred().promise);
      bench.ask(call, disk, live).catch(() => {});
      await bench.settle();
      assert.deepEqual(bench.devices.run, before.length === 0 ? [] : ["xvdb"]);
      world.gates.clear();
      world.xen.news.clear();
      // As if by kill -9.
      const next = new DeviceBench(world);
      await next.loaded();
      await next.settle();
      assert.deepEqual(next.devices.run, devices);
      assert.equal(next.records.get(uuid)?.hasTransit, undefined);
      await next.end();
    });
  }

  test("is looked for by what it is", async () => {
    const bench = await running();
    const missing = [
      ["domainDetachDeviceFlags", disk, live, /disk xvdb not found$/],
      ["domainDetachDeviceFlags", disk, config, /no target device xvdb$/],
      ["domainDetachDeviceFlags", card, live, /no device found at address/],
      ["domainUpdateDeviceFlags", drive, config, /target hdc doesn't exist\.$/],
    ] as const;
    for (const [call, xml, flags, message] of missing) {
      assert.match(await bench.refused(bench.ask(call, xml, flags)), message);
    }
    await bench.end();
  });

  test("of another kind is refused", async () => {
    const bench = await running();
    const controller = "<controller type='usb' index='0' model='qusb2'/>";
    const refused = [
      ["domainAttachDeviceFlags", controller, live, /device type 'controller' cannot be attached$/],
      ["domainDetachDeviceFlags", controller, live, /device type 'controller' cannot be detached$/],
      ["domainAttachDeviceFlags", drive, live, /does not change media while a guest runs$/],
      ["domainUpdateDeviceFlags", drive, live, /does not change media while a guest runs$/],
      ["domainUpdateDeviceFlags", disk, live, /disk bus 'xen' cannot be updated\.$/],
      ["domainUpdateDeviceFlags", card, live, /device type 'net' cannot be updated$/],
      ["domainUpdateDeviceFlags", card, config, /persistent update of device is not supported$/],
      ["domainAttachDeviceFlags", "<input type='mouse'/>", config, /persistent attach of device is not supported$/],
    ] as const;
    for (const [call, xml, flags, message] of refused) {
      assert.match(await bench.refused(bench.ask(call, xml, flags)), message);
    }
    await bench.end();
  });

  test("a drive has another medium from its next start on", async () => {
    const bench = await running(`<devices>${drive}</devices>`);
    await bench.done(bench.ask("domainUpdateDeviceFlags", drive.replace("/a.iso", "/b.iso"), config));
    assert.match(bench.domain.persistent?.toXml() ?? "", /<source file='\/b\.iso'\/>/);
    assert.match(bench.domain.definition?.toXml() ?? "", /<source file='\/a\.iso'\/>/);
    await bench.end();
  });
});
