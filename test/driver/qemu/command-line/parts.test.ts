import assert from "node:assert/strict";
import { test } from "node:test";
import {
  argumentsOf,
  commandToAdd,
  commandToRemove,
  descriptorsOf,
  GuestContext,
  type Part,
  partsOf,
} from "../../../../src/driver/qemu/command-line/index.ts";
import { Definition } from "../../../../src/model/index.ts";
import { type Element, parseXml } from "../../../../src/xml/index.ts";

const guest = Definition.parse(`<domain type='qemu'><name>a</name><memory>1024</memory>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os><devices>
    <controller type='pci' index='1' model='pcie-root-port'><alias name='ua-port'/></controller>
    <controller type='scsi' index='0' model='virtio-scsi'><alias name='scsi0'/></controller></devices></domain>`);
const context = new GuestContext(guest, {
  directory: "/run/a",
  stateDirectory: "/lib/a",
  nowMs: 0,
  secretOf: ({ usage }) => (usage === "known" ? Buffer.from("open sesame") : undefined),
});

function parts(xml: string): Part[] {
  const element: Element = parseXml(xml).root;
  return partsOf(element, context);
}

/** The commands that add a device, in short. */
function added(xml: string): unknown[] {
  return parts(xml).map((part) => {
    const { execute, arguments: args } = commandToAdd(part);
    return [execute, JSON.parse(JSON.stringify(args))];
  });
}

test("a disk is the same to the command line and to the monitor", () => {
  const xml = `<disk type='file' device='disk'><driver type='qcow2' cache='none'/><source file='/a' index='3'/><backingStore/>
    <target dev='sdb' bus='scsi'/><wwn>5000c50015ea71ab</wwn><alias name='scsi0-0-0-1'/>
    <address type='drive' controller='0' bus='0' target='0' unit='1'/></disk>`;
  const words = parts(xml).flatMap((part) => argumentsOf(part, () => 9));
  const told = parts(xml).map(commandToAdd);
  assert.deepEqual(
    told.map(({ execute }) => execute),
    ["blockdev-add", "blockdev-add", "device_add"],
  );
  assert.deepEqual(
    words.filter((_, place) => place % 2 === 1),
    told.map(({ arguments: args }) => JSON.stringify(args)),
  );
  // It has more digits than a number of JavaScript's.
  assert.match(words.at(-1) ?? "", /"wwn":5764824127192592811,/);
});

test("what was added goes in the reverse order, each thing by its own command", () => {
  const xml = `<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><alias name='net7'/>
    <address type='pci' bus='0x01' slot='0x00'/></interface>`;
  const removed = parts(xml).reverse().map(commandToRemove);
  assert.deepEqual(removed, [
    { execute: "device_del", arguments: { id: "net7" } },
    { execute: "netdev_del", arguments: { id: "hostnet7" } },
  ]);
});

test("a bus goes by the alias of its controller", () => {
  const [, card] = added(
    "<interface type='user'><model type='e1000e'/><address type='pci' bus='1' slot='0'/></interface>",
  );
  assert.deepEqual(card, [
    "device_add",
    { driver: "e1000e", netdev: "hostnet0", id: "net0", bus: "ua-port", addr: "0x0" },
  ]);
});

test("a character device has QMP's shape on the monitor, and its options' names as an argument", () => {
  const xml = `<serial type='unix'><source mode='bind' path='/a,b'/><log file='/l' append='on'/><target port='1'/>
    <alias name='serial1'/></serial>`;
  const data = {
    addr: { type: "unix", data: { path: "/a,b" } },
    server: true,
    wait: false,
    logfile: "/l",
    logappend: true,
  };
  assert.deepEqual(added(xml)[0], ["chardev-add", { id: "charserial1", backend: { type: "socket", data } }]);
  const [chardev] = parts(xml);
  assert.deepEqual(chardev && argumentsOf(chardev, () => 0), [
    "-chardev",
    "socket,id=charserial1,path=/a,,b,server=on,wait=off,logfile=/l,logappend=on",
  ]);
});

test("descriptors are numbers in arguments, and names on the monitor", () => {
  const xml = `<interface type='ethernet'><model type='virtio'/><driver queues='2'/><alias name='net1'/></interface>`;
  const [netdev] = parts(xml);
  assert.ok(netdev !== undefined);
  assert.deepEqual(
    descriptorsOf(netdev).map(({ name }) => name),
    ["net1-0", "net1-1"],
  );
  const numbers = new Map([
    ["net1-0", 4],
    ["net1-1", 5],
  ]);
  assert.match(argumentsOf(netdev, (name) => numbers.get(name) ?? -1)[1] ?? "", /"fds":"4:5"/);
  assert.deepEqual(added(xml)[0], ["netdev_add", { type: "tap", id: "hostnet1", fds: "net1-0:net1-1" }]);
});

test("a secret is in no argument; on the monitor it is in its command", () => {
  const disk = (usage: string): string => `<disk type='file'><driver type='qcow2'/>
    <source file='/a' index='1'><encryption format='luks'><secret type='passphrase' usage='${usage}'/></encryption></source>
    <target dev='vda' bus='virtio'/></disk>`;
  const secret = parts(disk("known")).find(({ kind }) => kind === "secret");
  assert.ok(secret !== undefined);
  const [, argument = ""] = argumentsOf(secret, () => 4);
  assert.match(argument, /"file":"\/dev\/fd\/4"/);
  assert.doesNotMatch(argument, /sesame/);
  const { arguments: args } = commandToAdd(secret);
  assert.equal(Buffer.from(String(args["data"]), "base64").toString(), "open sesame");
  assert.throws(() => parts(disk("unknown")), { message: /no secret with matching uuid or usage 'unknown'/ });
});

test("a password reaches QEMU by its monitor alone", () => {
  const xml = `<graphics type='vnc' port='5901' passwd='hush,hush' listen='::1'/>`;
  assert.throws(() => parts(xml), /9 characters long, only 8 permitted/);
  const words = parts(xml.replace("hush,hush", "hush")).flatMap((part) => argumentsOf(part, () => 0));
  assert.deepEqual(words, ["-vnc", "[::1]:1,password=on"]);
  const commands = parts(xml.replace("hush,hush", "hush")).filter(({ kind }) => kind === "command");
  assert.deepEqual(
    commands.map((part) => commandToAdd(part).execute),
    ["set_password", "expire_password"],
  );
});

test("what can be said at start alone is refused by a QEMU that runs", () => {
  const [fsdev] = parts("<filesystem><source dir='/a'/><target dir='t'/></filesystem>");
  assert.ok(fsdev !== undefined);
  assert.throws(() => commandToAdd(fsdev), { message: /-fsdev cannot be given to a QEMU that runs/ });
});
