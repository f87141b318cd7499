import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { completionFor } from "../../../../src/driver/qemu/definition/complete.ts";
import { dumpDefinition } from "../../../../src/driver/qemu/definition/dump.ts";
import { checkNames } from "../../../../src/driver/qemu/definition/schema.ts";
import { Definition } from "../../../../src/model/index.ts";

const complete = completionFor({ version: 7_002_000n, nvramDirectory: "/nvram" });
const examples = new URL("../../../conformance/qemu-definitions/xml/", import.meta.url);

function parse(devices: string, settings = "", machine = "pc"): Definition {
  return Definition.parse(
    `<domain type='qemu'><name>x</name><memory>65536</memory>` +
      `<os><type machine='${machine}' arch='x86_64'>hvm</type></os>${settings}<devices>${devices}</devices></domain>`,
    complete,
  );
}

function shown(devices: string, settings = "", machine = "pc"): string {
  return dumpDefinition(parse(devices, settings, machine));
}

// What libvirtd makes of each example is compared in test/conformance; these need none.
describe("a definition that is completed", () => {
  it("has what its machine has", () => {
    const text = shown("");
    assert.match(text, /<type arch='x86_64' machine='pc-i440fx-7.2'>hvm<\/type>\n {4}<boot dev='hd'\/>/);
    assert.match(text, /<model fallback='forbid'>qemu64<\/model>/);
    assert.match(text, /<controller type='usb' index='0' model='piix3-uhci'>\n.*slot='0x01' function='0x2'/);
    assert.match(text, /<memballoon model='virtio'>\n.*slot='0x02'/);
  });

  it("keeps its machine's name where nobody knows QEMU's version", () => {
    const unknown = completionFor({ version: 0n, nvramDirectory: "/nvram" });
    const text = dumpDefinition(Definition.parse(parse("").toXml().replace("pc-i440fx-7.2", "pc"), unknown));
    assert.match(text, /machine='pc'>/);
  });

  it("has virtio's IOMMU on the root of PCI Express, where the machine has one and ACPI", () => {
    const iommu = "<iommu model='virtio'/>";
    const acpi = "<features><acpi/></features>";
    assert.match(shown(iommu, acpi, "q35"), /<iommu model='virtio'>\n.*bus='0x00' slot='0x02' function='0x0'/);
    assert.throws(() => shown(iommu, "", "q35"), /IOMMU device: 'virtio' requires ACPI/);
    assert.throws(() => shown(iommu), /'virtio' is only supported with Q35 and ARM Virt machines/);
    assert.throws(() => shown("<iommu model='intel'/>"), /'intel' is only supported with Q35 machines/);
  });

  it("has a port for each PCI Express device on q35, and one to spare", () => {
    const text = shown("<interface type='user'><model type='virtio'/></interface>", "", "q35");
    assert.equal(text.match(/model='pcie-root-port'/g)?.length, 4);
    assert.match(text, /<target chassis='4' port='0xb'\/>/);
  });

  it("shows its first serial port as a console, too", () => {
    const text = shown("<serial type='pty'/>");
    assert.match(text, /<console type='pty'>\n {6}<target type='serial' port='0'\/>/);
    assert.match(shown("<console type='pty'/>"), /<serial type='pty'>\n {6}<target type='isa-serial' port='0'>/);
  });

  it("has memory that it shares where virtiofs is to serve it", () => {
    const device = "<filesystem><driver type='virtiofs'/><source dir='/a'/><target dir='t'/></filesystem>";
    const memory = (mode: string): string => `<memoryBacking><access mode='${mode}'/></memoryBacking>`;
    const cell = (access: string): string =>
      `<cpu><numa><cell id='0' cpus='0' memory='65536' unit='KiB'${access}/></numa></cpu>`;
    const refused = { message: "unsupported configuration: 'virtiofs' requires shared memory" };
    for (const settings of ["", memory("private"), cell(""), memory("shared") + cell(" memAccess='private'")])
      assert.throws(() => shown(device, settings), refused, settings);
    for (const settings of [memory("shared"), cell(" memAccess='shared'"), memory("shared") + cell("")])
      assert.match(shown(device, settings), /virtiofs/);
  });

  it("keeps what nobody knows", () => {
    assert.match(shown("<tomorrow day='1'/>"), /<tomorrow day='1'\/>/);
  });

  it("shows passwords to nobody who has not asked", () => {
    const definition = parse("<graphics type='vnc' passwd='secret'/>");
    assert.doesNotMatch(dumpDefinition(definition), /secret/);
    assert.match(dumpDefinition(definition, { secure: true }), /passwd='secret'/);
    assert.match(dumpDefinition(definition, { secure: true }), /passwd='secret'/, "it is only hidden");
  });

  it("leaves out for older libvirts what those add themselves", () => {
    const text = dumpDefinition(parse(""), { migratable: true });
    assert.doesNotMatch(text, /<controller|keyboard|<audio/);
  });

  it("has its id behind its type", () => {
    assert.match(dumpDefinition(parse(""), { id: 7 }), /^<domain type='qemu' id='7'>/);
  });

  it("is complete: what is read again is shown the same", () => {
    for (const name of readdirSync(examples)) {
      const first = Definition.parse(readFileSync(new URL(name, examples), "utf8"), complete);
      const second = Definition.parse(dumpDefinition(first, { secure: true }), complete);
      const third = Definition.parse(dumpDefinition(second, { secure: true }), complete);
      // Disks and controllers that were added find their places among the others the second time.
      assert.equal(dumpDefinition(third), dumpDefinition(second), name);
    }
  });
});

describe("a definition that is to be validated", () => {
  it("may have everything that libvirt's schema has", () => {
    for (const name of readdirSync(examples).filter((each) => each !== "unknown.xml")) {
      const text = readFileSync(new URL(name, examples), "utf8");
      assert.doesNotThrow(() => Definition.parse(text, checkNames), name);
    }
  });

  it("may have nothing else", () => {
    const refuse = (from: string, to: string, detail: string): void => {
      const text = shown("<disk><source file='/a'/><target dev='vda'/></disk>").replace(from, to);
      const message = `XML document failed to validate against schema: ${detail}`;
      assert.throws(() => Definition.parse(text, checkNames), { message });
    };
    const disk = "<disk type='file' device='disk'>";
    refuse(
      disk,
      "<disk type='file' device='disk' tomorrow='yes'>",
      "Invalid attribute tomorrow for element disk\nElement devices failed to validate content",
    );
    refuse(disk, `${disk}<tomorrow/>`, "Extra element tomorrow in interleave\nElement disk failed to validate content");
  });
});
