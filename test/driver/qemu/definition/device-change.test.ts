import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { completionFor } from "../../../../src/driver/qemu/definition/complete.ts";
import { addLiveDevice } from "../../../../src/driver/qemu/definition/device-change.ts";
import { prepareRun } from "../../../../src/driver/qemu/definition/prepare-run.ts";
import { Definition } from "../../../../src/model/index.ts";
import { type Element, parseXml, writeXml } from "../../../../src/xml/index.ts";

const complete = completionFor({ version: 7_002_000n, nvramDirectory: "/nvram" });

/** The tree of a running guest with these devices. */
async function running(devices: string, machine = "pc"): Promise<Element> {
  const definition = Definition.parse(
    `<domain type='qemu'><name>x</name><memory>65536</memory>` +
      `<os><type arch='x86_64' machine='${machine}'>hvm</type></os><devices>${devices}</devices></domain>`,
    complete,
  );
  const facts = { channelDirectory: "/channels", nvramDirectory: "/nvram", freePort: async (first: number) => first };
  return (await prepareRun(definition, facts)).root.clone();
}

function add(root: Element, xml: string): { device: string; controllers: string[] } {
  const { device, controllers } = addLiveDevice(root, parseXml(xml).root);
  return { device: writeXml(device), controllers: controllers.map((each) => writeXml(each)) };
}

const port = "<controller type='pci' model='pcie-root-port'/>";

describe("a device that joins a running guest", () => {
  it("is completed, placed and named", async () => {
    const root = await running("<interface type='user'/>");
    const { device } = add(
      root,
      "<interface type='user'><mac address='52:54:00:00:00:09'/><model type='virtio'/></interface>",
    );
    assert.equal(
      device,
      "<interface type='user'>\n  <mac address='52:54:00:00:00:09'/>\n  <model type='virtio'/>\n" +
        "  <alias name='net1'/>\n" +
        "  <address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'/>\n</interface>\n",
    );
    assert.equal(root.first("devices")?.all("interface").length, 2);
  });

  it("gets a port of PCI Express that is free, and none is added for it", async () => {
    const root = await running(`<controller type='pci' model='pcie-root'/>${port.repeat(3)}`, "q35");
    const nic = "<interface type='user'><model type='virtio'/></interface>";
    assert.match(add(root, nic).device, /bus='0x03' slot='0x00'/);
    assert.throws(() => add(root, nic), { message: "internal error: No more available PCI slots" });
  });

  it("takes the first number that is free behind those of its kind", async () => {
    const root = await running("<rng model='virtio'><backend model='random'/></rng>".repeat(2));
    assert.match(add(root, "<rng model='virtio'><backend model='builtin'/></rng>").device, /alias name='rng2'/);
  });

  it("brings the controllers that it hangs on", async () => {
    const root = await running("<controller type='scsi' model='virtio-scsi'/>");
    const { device, controllers } = add(root, "<disk device='cdrom'><target dev='sdh' bus='scsi'/></disk>");
    assert.equal(controllers.length, 1);
    assert.match(controllers[0] ?? "", /type='scsi' index='1' model='virtio-scsi'>\n {2}<alias name='scsi1'\/>/);
    assert.match(device, /alias name='scsi1-0-0-0'/);
  });

  it("is plugged into a USB port", async () => {
    const root = await running("<input type='tablet' bus='usb'/>");
    assert.match(add(root, "<input type='mouse' bus='usb'/>").device, /address type='usb' bus='0' port='2'/);
    assert.throws(() => add(root, "<input type='keyboard' bus='usb'/>"), {
      message: "internal error: No free USB ports",
    });
  });

  it("gets a port of a virtio-serial controller", async () => {
    const root = await running("<channel type='pty'><target type='virtio' name='a'/></channel>");
    const { device, controllers } = add(root, "<channel type='pty'><target type='virtio' name='b'/></channel>");
    assert.deepEqual(controllers, []);
    assert.match(device, /virtio-serial' controller='0' bus='0' port='2'/);
  });

  it("is refused where it cannot be told from another", async () => {
    const root = await running("<disk device='cdrom'><target dev='hda'/></disk>");
    assert.throws(() => add(root, "<disk device='cdrom'><target dev='hda'/></disk>"), {
      message: "operation failed: target hda already exists",
    });
  });

  it("is refused in a place that is taken", async () => {
    const root = await running("");
    const place = "<address type='pci' domain='0' bus='0' slot='2' function='0'/>";
    assert.throws(() => add(root, `<interface type='user'><model type='virtio'/>${place}</interface>`), {
      message: "XML error: Attempted double use of PCI Address 0000:00:02.0",
    });
  });
});
