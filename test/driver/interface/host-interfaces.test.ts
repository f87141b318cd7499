import assert from "node:assert/strict";
import { test } from "node:test";
import { HostInterfaces } from "../../../src/driver/interface/host-interfaces.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";
import { FileTree } from "../host/file-tree.ts";

function machine(): FileTree {
  const tree = new FileTree();
  const add = (name: string, files: Record<string, string>): void => tree.add(`/sys/class/net/${name}`, files);
  add("eth0", { address: "02:fc:00:00:00:01\n", operstate: "up\n", speed: "-1\n", mtu: "1400\n" });
  add("eth1", { address: "02:fc:00:00:00:02\n", operstate: "down\n", mtu: "1500\n" });
  add("lo", { address: "00:00:00:00:00:00\n", operstate: "unknown\n", mtu: "65536\n" });
  add("vnet0", { address: "fe:54:00:00:00:01\n", operstate: "up\n", mtu: "1500\n", tun_flags: "0x1002\n" });
  const bridge = { "bridge/stp_state": "1\n", "bridge/forward_delay": "1500\n", "brif/eth1/x": "", "brif/vnet0/x": "" };
  add("br0", {
    address: "02:fc:00:00:00:02\n",
    operstate: "up\n",
    mtu: "1500\n",
    uevent: "DEVTYPE=bridge\n",
    ...bridge,
  });
  add("eth0.7", { address: "02:fc:00:00:00:01\n", operstate: "up\n", mtu: "1400\n", uevent: "DEVTYPE=vlan\n" });
  tree.add("/proc/net/vlan", { "eth0.7": "eth0.7  VID: 7\t REORDER_HDR: 1\nDevice: eth0\n" });
  return tree;
}

test("interfaces are those of the host, not those of its guests", async () => {
  using tree = machine();
  const all = await new HostInterfaces(tree.files).all();
  assert.deepEqual(
    all.map(({ name, isActive, isDown }) => [name, isActive, isDown]),
    [
      ["br0", true, false],
      ["eth0", true, false],
      ["eth0.7", true, false],
      ["eth1", false, true],
      ["lo", false, false],
    ],
  );
});

test("an interface is told as the kernel has it", async () => {
  using tree = machine();
  const interfaces = new HostInterfaces(tree.files);
  assert.equal(
    await interfaces.describe("eth0"),
    `<interface type='ethernet' name='eth0'>
  <mtu size='1400'/>
  <link speed='4294967295' state='up'/>
  <mac address='02:fc:00:00:00:01'/>
</interface>
`,
  );
  assert.match(await interfaces.describe("eth1"), /<link state='down'\/>/);
});

test("a bridge is told with its parts, and a VLAN with what it stands on", async () => {
  using tree = machine();
  const interfaces = new HostInterfaces(tree.files);
  const bridge = await interfaces.describe("br0");
  assert.match(bridge, /<bridge stp='on' delay='1500'>\n +<interface type='ethernet' name='eth1'>/);
  assert.doesNotMatch(bridge, /vnet0/);
  assert.match(await interfaces.describe("eth0.7"), /<vlan tag='7'>\n +<interface name='eth0'\/>/);
});

test("interfaces are found by name and by address, and missed in libvirt's words", async () => {
  using tree = machine();
  const interfaces = new HostInterfaces(tree.files);
  assert.equal((await interfaces.byMac("fe:54:00:00:00:01")).name, "vnet0");
  await assert.rejects(interfaces.byMac("02:fc:00:00:00:02"), { code: ErrorCode.multipleInterfaces });
  for (const name of ["nosuch", "", ".", "..", "../net/eth0"])
    await assert.rejects(interfaces.byName(name), {
      message: `Interface not found: couldn't find interface named '${name}'`,
    });
});
