import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HostDevices } from "../../../src/driver/node-device/host-devices.ts";
import { FileTree } from "../host/file-tree.ts";

const card = "/sys/devices/pci0000:00/0000:00:03.0";
const net = `${card}/virtio2/net/eth0`;
const port = "/sys/devices/pci0000:00/0000:00:1c.0";
const virtual = `${port}/0000:01:10.1`;
const physical = `${port}/0000:01:00.0`;

/** Configuration space of a PCI Express root port: capabilities at 0x40, a link of 8 GT/s and 4 lanes that runs at 2.5 and 1. */
function portConfig(): Buffer {
  const config = Buffer.alloc(4096);
  config.writeUInt16LE(0x10, 6);
  config.writeUInt8(1, 0x0e);
  config.writeUInt8(0x40, 0x34);
  config.writeUInt8(0x10, 0x40);
  config.writeUInt16LE(0x42, 0x42);
  config.writeUInt32LE(0x0700_0043, 0x4c);
  config.writeUInt16LE(0x0011, 0x52);
  return config;
}

function machine(): FileTree {
  const tree = new FileTree();
  const numbers = { class: "0x020000\n", device: "0x1041\n", vendor: "0x1af4\n", numa_node: "-1\n" };
  tree.add(card, { ...numbers, config: Buffer.alloc(256) });
  tree.add("/sys/bus/pci/drivers/virtio-pci", {});
  tree.link(`${card}/driver`, "/sys/bus/pci/drivers/virtio-pci");
  tree.add(net, { address: "02:fc:00:00:00:01\n", operstate: "up\n", speed: "1000\n", uevent: "INTERFACE=eth0\n" });
  tree.add("/sys/devices/virtual/net/br0", {
    address: "02:fc:00:00:00:02\n",
    uevent: "DEVTYPE=bridge\nINTERFACE=br0\n",
  });
  tree.add(port, { ...numbers, numa_node: "1\n", config: portConfig() });
  tree.add(physical, { ...numbers, sriov_totalvfs: "7\n", config: Buffer.alloc(4096) });
  tree.add(virtual, { ...numbers, config: Buffer.alloc(4096) });
  tree.link(`${virtual}/physfn`, physical);
  tree.link(`${physical}/virtfn0`, virtual);
  tree.add("/sys/kernel/iommu_groups/12/devices/0000:01:10.1", {});
  tree.link(`${virtual}/iommu_group`, "/sys/kernel/iommu_groups/12");
  for (const path of [card, port, physical, virtual]) tree.link(`/sys/bus/pci/devices/${path.split("/").at(-1)}`, path);
  tree.link("/sys/class/net/eth0", net);
  tree.link("/sys/class/net/br0", "/sys/devices/virtual/net/br0");
  tree.add("/usr/share/misc", {
    "pci.ids": "1af3  Other\n\t1041  Wrong\n1af4  Red Hat, Inc.\n\t1041  Virtio 1.0 network device\n1af5  Next\n",
  });
  return tree;
}

function devicesOf(tree: FileTree): HostDevices {
  return new HostDevices(tree.files, () => ["rx", "tx"]);
}

async function xmlOf(devices: HostDevices, name: string): Promise<string> {
  return devices.describe(await devices.byName(name));
}

test("devices hang on the next one up the tree that libvirt knows", async () => {
  using tree = machine();
  const all = await devicesOf(tree).all();
  assert.deepEqual(
    all.map(({ name, parent }) => [name, parent]),
    [
      ["computer", null],
      ["pci_0000_00_03_0", "computer"],
      ["pci_0000_00_1c_0", "computer"],
      ["pci_0000_01_00_0", "pci_0000_00_1c_0"],
      ["pci_0000_01_10_1", "pci_0000_00_1c_0"],
      ["net_eth0_02_fc_00_00_00_01", "pci_0000_00_03_0"],
    ],
  );
});

test("a card is told with its maker, its driver and its address", async () => {
  using tree = machine();
  assert.equal(
    await xmlOf(devicesOf(tree), "pci_0000_00_03_0"),
    `<device>
  <name>pci_0000_00_03_0</name>
  <path>${card}</path>
  <parent>computer</parent>
  <driver>
    <name>virtio-pci</name>
  </driver>
  <capability type='pci'>
    <class>0x020000</class>
    <domain>0</domain>
    <bus>0</bus>
    <slot>3</slot>
    <function>0</function>
    <product id='0x1041'>Virtio 1.0 network device</product>
    <vendor id='0x1af4'>Red Hat, Inc.</vendor>
  </capability>
</device>
`,
  );
});

test("a port of PCI Express is told with its links, and a function with its relations", async () => {
  using tree = machine();
  const devices = devicesOf(tree);
  const [bridge, whole, part] = await Promise.all(
    ["pci_0000_00_1c_0", "pci_0000_01_00_0", "pci_0000_01_10_1"].map((name) => xmlOf(devices, name)),
  );
  assert.match(bridge ?? "", /<capability type='pci-bridge'\/>\n +<numa node='1'\/>\n +<pci-express>/);
  assert.match(
    bridge ?? "",
    /<link validity='cap' port='7' speed='8' width='4'\/>\n +<link validity='sta' speed='2.5' width='1'\/>/,
  );
  const address = (bus: string, slot: string, own: string): string =>
    `<address domain='0x0000' bus='${bus}' slot='${slot}' function='${own}'/>`;
  assert.match(
    whole ?? "",
    new RegExp(`<capability type='virt_functions' maxCount='7'>\\s+${address("0x01", "0x10", "0x1")}`),
  );
  assert.match(part ?? "", new RegExp(`<capability type='phys_function'>\\s+${address("0x01", "0x00", "0x0")}`));
  assert.match(part ?? "", new RegExp(`<iommuGroup number='12'>\\s+${address("0x01", "0x10", "0x1")}`));
});

test("a network card is told with its link and what it does by itself", async () => {
  using tree = machine();
  const xml = await xmlOf(devicesOf(tree), "net_eth0_02_fc_00_00_00_01");
  assert.match(
    xml,
    /<link speed='1000' state='up'\/>\n +<feature name='rx'\/>\n +<feature name='tx'\/>\n +<capability type='80203'\/>/,
  );
});

test("disks are those that udev or their name calls so, and have its other names", async () => {
  using tree = new FileTree();
  tree.add("/sys/devices/a/block/sda", {
    dev: "8:0\n",
    size: "2048\n",
    "queue/logical_block_size": "4096\n",
    "device/model": "Fast  \n",
  });
  tree.add("/sys/devices/b/block/sr0", { dev: "11:0\n", size: "0\n" });
  tree.add("/sys/devices/virtual/block/loop0", { dev: "7:0\n", size: "8\n" });
  tree.add("/run/udev/data", {
    "b8:0": "S:disk/by-id/x\nE:ID_TYPE=disk\nE:ID_BUS=ata\nE:ID_SERIAL=No. 7\n",
    "b11:0": "E:ID_CDROM=1\nE:ID_TYPE=cd\n",
  });
  for (const path of ["a/block/sda", "b/block/sr0", "virtual/block/loop0"])
    tree.link(`/sys/block/${path.split("/").at(-1)}`, `/sys/devices/${path}`);
  const devices = devicesOf(tree);
  const names = (await devices.all()).map(({ name }) => name);
  assert.deepEqual(names, ["computer", "block_sda_No__7", "block_sr0"]);
  const disk = await xmlOf(devices, "block_sda_No__7");
  assert.match(
    disk,
    /<devnode type='dev'>\/dev\/sda<\/devnode>\n +<devnode type='link'>\/dev\/disk\/by-id\/x<\/devnode>/,
  );
  assert.match(
    disk,
    /<bus>ata<\/bus>\n +<drive_type>disk<\/drive_type>\n +<model>Fast<\/model>\n +<serial>No. 7<\/serial>/,
  );
  assert.match(
    disk,
    /<size>1048576<\/size>\n +<logical_block_size>4096<\/logical_block_size>\n +<num_blocks>256<\/num_blocks>/,
  );
  assert.match(
    await xmlOf(devices, "block_sr0"),
    /<drive_type>cdrom<\/drive_type>\n +<capability type='removable'>\n +<media_available>0<\/media_available>\n +<media_size>0<\/media_size>/,
  );
});

test("what is plugged into USB is told by udev's names before its own", async () => {
  using tree = new FileTree();
  const stick = "/sys/devices/usb1/1-1";
  const event = "DEVTYPE=usb_device\nDEVNAME=bus/usb/001/002\nMAJOR=189\nMINOR=1\n";
  tree.add(stick, {
    uevent: event,
    busnum: "1\n",
    devnum: "2\n",
    idVendor: "0627\n",
    idProduct: "0001\n",
    product: "Tablet\n",
  });
  tree.add(`${stick}/1-1:1.0`, {
    uevent: "DEVTYPE=usb_interface\n",
    bInterfaceNumber: "00\n",
    bInterfaceClass: "0a\n",
  });
  tree.add("/run/udev/data", { "c189:1": "E:ID_VENDOR_FROM_DATABASE=Adomax\n" });
  tree.link("/sys/bus/usb/devices/1-1", stick);
  tree.link("/sys/bus/usb/devices/1-1:1.0", `${stick}/1-1:1.0`);
  const devices = devicesOf(tree);
  const all = await devices.all();
  assert.deepEqual(
    all.slice(1).map(({ name, parent, capability }) => [name, parent, capability]),
    [
      ["usb_1_1", "computer", "usb_device"],
      ["usb_1_1_1_0", "usb_1_1", "usb"],
    ],
  );
  assert.match(
    await xmlOf(devices, "usb_1_1"),
    /<bus>1<\/bus>\n +<device>2<\/device>\n +<product id='0x0001'>Tablet<\/product>\n +<vendor id='0x0627'>Adomax<\/vendor>/,
  );
  assert.match(await xmlOf(devices, "usb_1_1_1_0"), /<number>0<\/number>\n +<class>10<\/class>/);
});

test("one that has been unplugged is missed, however lately it was listed", async () => {
  using tree = machine();
  const devices = devicesOf(tree);
  await devices.byName("net_eth0_02_fc_00_00_00_01");
  rmSync(join(tree.root, net), { recursive: true });
  await assert.rejects(
    devices.byName("net_eth0_02_fc_00_00_00_01"),
    /Node device not found: no node device with matching name/,
  );
});
