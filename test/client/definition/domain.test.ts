import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { DomainDefinition, domain } from "../../../src/client/index.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";
import { ClientWorld } from "../client-world.ts";

suite("a definition that is built", () => {
  test("is libvirt's XML, in libvirt's order", () => {
    const built = domain({
      name: "web",
      type: "qemu",
      memory: "2GiB",
      vcpus: { maximum: 4, current: 2 },
      machine: "q35",
      boot: ["hd"],
      disks: ["/images/web.qcow2", { file: "/images/data.img", serial: "D1" }, { device: "cdrom" }],
      interfaces: [{ network: "default", mac: "52:54:00:00:00:01" }],
      console: "pty",
      graphics: "vnc",
      agent: true,
      devices: ["<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"],
    });
    assert.equal(
      built.toXml(),
      `<domain type='qemu'>
  <name>web</name>
  <memory unit='KiB'>2097152</memory>
  <vcpu current='2'>4</vcpu>
  <os>
    <type machine='q35'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <devices>
    <disk type='file' device='disk'>
      <driver type='qcow2'/>
      <source file='/images/web.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver type='raw'/>
      <source file='/images/data.img'/>
      <target dev='vdb' bus='virtio'/>
      <serial>D1</serial>
    </disk>
    <disk type='file' device='cdrom'>
      <driver type='raw'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <source network='default'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'>
      <target port='0'/>
    </serial>
    <console type='pty'>
      <target type='serial' port='0'/>
    </console>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
    <graphics type='vnc' port='-1' autoport='yes'/>
    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
    </rng>
  </devices>
</domain>
`,
    );
  });

  test("says what is no size", () => {
    assert.throws(() => domain({ name: "x", memory: "much" }), {
      code: ErrorCode.invalidArg,
      message: /write it as in "2GiB"/,
    });
    const memory = (size: string | bigint): bigint => domain({ name: "x", memory: size }).memory;
    assert.deepEqual(["1GB", "1 GiB", "1g", "1024", 1024n].map(memory), [
      1_000_000_512n,
      1n << 30n,
      1n << 30n,
      1024n,
      1024n,
    ]);
  });

  test("can be given to a method as it is", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    const defined = await world.settle(connection.domainDefineXml(domain({ name: "built", memory: "1GiB" })));
    assert.equal(defined.name, "built");
  });
});

suite("an edit", () => {
  const text = `<!-- by hand -->
<domain type='kvm' xmlns:x='urn:x' x:mark='1'>
  <name>old</name>
  <memory unit='MiB' dumpCore='off'>1024</memory>
  <currentMemory unit='MiB'>1024</currentMemory>
  <!-- two -->
  <vcpu placement='static'>2</vcpu>
  <os>
    <type>hvm</type>
  </os>
  <future kind='unknown'>
    <deep/>
  </future>
  <cpu mode='host-model' check='partial'>
    <topology sockets='1' cores='2' threads='1'/>
  </cpu>
  <devices>
    <emulator>/usr/bin/qemu</emulator>
    <disk type='file' device='disk'>
      <source file='/a' index='3'/>
      <target dev='vda' bus='virtio'/>
      <shiny/>
    </disk>
    <video/>
  </devices>
  <x:extra>kept</x:extra>
</domain>
`;

  test("that changes nothing gives the same text", () => {
    assert.equal(DomainDefinition.parse(text).with({}).toXml(), text);
  });

  test("changes what it names, and keeps what it does not know", () => {
    const edited = DomainDefinition.parse(text).with({ name: "new", memory: "2GiB", vcpus: 4, title: "A title" });
    assert.equal(
      edited.toXml(),
      text
        .replace("<name>old</name>", "<name>new</name>\n  <title>A title</title>")
        .replace("<memory unit='MiB' dumpCore='off'>1024<", "<memory unit='KiB' dumpCore='off'>2097152<")
        .replace("<currentMemory unit='MiB'>1024<", "<currentMemory unit='KiB'>2097152<")
        .replace("'static'>2<", "'static'>4<"),
    );
  });

  test("of the processor keeps a topology that was chosen", () => {
    const { root } = DomainDefinition.parse(text).with({ cpu: "host-passthrough" });
    assert.equal(root.first("cpu")?.attribute("mode"), "host-passthrough");
    assert.equal(root.find("cpu", "topology")?.attribute("cores"), "2");
  });

  test("adds a disk behind the others under the next free name, and removes one", () => {
    const edited = DomainDefinition.parse(text).addDisk("/b.qcow2");
    assert.deepEqual(edited.disks, [
      { target: "vda", device: "disk", source: "/a", format: undefined, bus: "virtio" },
      { target: "vdb", device: "disk", source: "/b.qcow2", format: "qcow2", bus: "virtio" },
    ]);
    const names = edited.root
      .first("devices")
      ?.elements()
      .map(({ name }) => name);
    assert.deepEqual(names, ["emulator", "disk", "disk", "video"]);
    assert.equal(edited.removeDisk("vdb").toXml(), text);
    assert.throws(() => edited.removeDisk("vdc"), { code: ErrorCode.invalidArg, message: /there are: vda, vdb/ });
  });

  test("never changes the definition that it begins with", () => {
    const before = DomainDefinition.parse(text);
    before.edit((root) => root.removeAttribute("type"));
    before.with({ name: "other" });
    assert.equal(before.toXml(), text);
  });
});
