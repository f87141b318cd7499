import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { prompt, readyLine } from "../../lab/guest/linux.ts";
import { QemuDriver } from "../../src/driver/qemu/index.ts";
import { openLoop, openProcess } from "../../src/os/index.ts";
import type { Domain } from "../../src/protocol/index.ts";
import { call } from "./qemu-bench.ts";

/**
 * A real guest on a network of this machine, its disk a volume of a pool; in a network namespace of this process alone.
 * Arguments: a kernel, and an initrd. Prints what held.
 */

const [kernel = "", initrd = ""] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), "vwn-"));
const place = (name: string): string => join(directory, name);
const [uuid, mac, bootMs] = ["04c6774c-a016-4ca7-8d75-9930f0bbbd69", "52:54:00:aa:00:01", 120_000];
const loop = openLoop();
const warnings: string[] = [];
const show = (...words: readonly string[]): string =>
  execFileSync(words[0] ?? "", words.slice(1), { encoding: "utf8" });
const exists = (device: string): boolean => existsSync(`/sys/class/net/${device}`);

const open = (): Promise<QemuDriver> =>
  QemuDriver.open(loop, {
    uri: "qemu:///system",
    stateDir: place("state"),
    runDir: place("run"),
    logDir: place("log"),
    resources: {
      networkDir: place("networks"),
      networkRunDir: place("running-networks"),
      poolDir: place("pools"),
      poolRunDir: place("running-pools"),
    },
    onWarning: (warning) => warnings.push(String(warning)),
  });

let driver = await open();
const networkXml = `<network><name>lab</name>
  <ip address='10.99.1.1' prefix='24'><dhcp><range start='10.99.1.10' end='10.99.1.20'/></dhcp></ip></network>`;
const { net } = await call(driver, "networkCreateXml", { xml: networkXml });
const poolXml = `<pool type='dir'><name>images</name><target><path>${directory}</path></target></pool>`;
writeFileSync(place("disk.img"), "a volume it is".padEnd(1024 * 1024, "\0"));
await call(driver, "storagePoolCreateXml", { xml: poolXml, flags: 0 });

const secretXml = `<secret ephemeral='no' private='yes'><uuid>${uuid}</uuid></secret>`;
const { secret } = await call(driver, "secretDefineXml", { xml: secretXml, flags: 0 });
await call(driver, "secretSetValue", { secret, value: Buffer.from("open sesame"), flags: 0 });
const key = ["--object", "secret,id=key,data=open sesame", "-o", "key-secret=key,iter-time=10"];
show("qemu-img", "convert", "-f", "raw", "-O", "luks", ...key, place("disk.img"), place("locked.img"));
const encryption = `<encryption format='luks'><secret type='passphrase' uuid='${uuid}'/></encryption>`;

const serial = place("serial");
const guestXml = `<domain type='qemu'><name>guest</name><uuid>${uuid}</uuid><memory unit='MiB'>256</memory>
  <os><type>hvm</type><kernel>${kernel}</kernel><initrd>${initrd}</initrd><cmdline>console=ttyS0 quiet</cmdline></os>
  <features><acpi/></features>
  <devices>
    <disk type='volume' device='disk'><source pool='images' volume='disk.img'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'>
      <driver type='raw'/><source file='${place("locked.img")}'>${encryption}</source><target dev='vdb' bus='virtio'/>
    </disk>
    <interface type='network'><mac address='${mac}'/><source network='lab'/><model type='virtio'/></interface>
    <serial type='unix'><source mode='bind' path='${serial}'/></serial>
  </devices></domain>`;
const { dom } = await call(driver, "domainDefineXml", { xml: guestXml });
await call(driver, "domainCreate", { dom });
const terminal = connect(serial);
let heard = "";
terminal.on("data", (bytes) => {
  heard += String(bytes);
});
const live = await xmlOf(dom);
assert.match(live, /<source network='lab' bridge='virbr0'\/>\s*<target dev='vnet0'\/>/);
assert.match(live, /<disk type='volume'[^]*<source pool='images' volume='disk.img' index='2'\/>/);
assert.match(show("ip", "link", "show", "dev", "vnet0"), /master virbr0[^]*link\/ether fe:54:00:aa:00:01/);
const { xml: shownNetwork } = await call(driver, "networkGetXmlDesc", { net, flags: 0 });
assert.match(shownNetwork, /<network connections='1'>/);
say("a guest starts on a network, and both say so");

await hear(new RegExp(`${readyLine}[^]*${prompt}`));
const script = `printf '#!/bin/sh\\n[ "$1" = bound ] && ifconfig $interface $ip netmask $subnet; true\\n' >/tmp/lease`;
type(`${script}; chmod +x /tmp/lease; head -c 14 /dev/vda; echo " re""ad"`);
await hear(/a volume it is read/);
say("its disk is the volume");
type('head -c 14 /dev/vdb; echo " unlo""cked"');
await hear(/a volume it is unlocked/);
say("a disk is unlocked with a secret");
type("ifconfig eth0 up; udhcpc -i eth0 -n -q -f -s /tmp/lease && ping -c 2 10.99.1.1 && echo reached' 'it");
await hear(/2 packets received[^]*reached it/);
const { leases } = await call(driver, "networkGetDhcpLeases", { net, mac: null, needResults: 1, flags: 0 });
assert.deepEqual(
  leases.map((lease) => lease.mac),
  [mac],
);
const { rxBytes } = await call(driver, "domainInterfaceStats", { dom, device: "vnet0" });
assert.ok(rxBytes > 0n);
say("it has an address by DHCP that is listed, and reaches the bridge");

const card = (address: string, network = "lab"): string =>
  `<interface type='network'><mac address='${address}'/><source network='${network}'/><model type='virtio'/></interface>`;
await call(driver, "domainAttachDevice", { dom, xml: card("52:54:00:aa:00:02") });
assert.match(show("ip", "link", "show", "dev", "vnet1"), /master virbr0/);
assert.match(await xmlOf(dom), /aa:00:02'\/>\s*<source network='lab' bridge='virbr0'\/>\s*<target dev='vnet1'\/>/);
type("until ifconfig eth1 up; do sleep 1; done; udhcpc -i eth1 -n -q -f && echo leased' 'another");
await hear(/leased another/);
await call(driver, "domainDetachDevice", { dom, xml: card("52:54:00:aa:00:02") });
await gone("vnet1");
await assert.rejects(call(driver, "domainAttachDevice", { dom, xml: card("52:54:00:aa:00:03", "none") }), /not found/);
assert.doesNotMatch(show("ip", "link"), /vnet[1-9]/);
say("a card comes while it runs, with its tap device, and goes with it");

await driver.close();
driver = await open();
assert.ok(exists("vnet0"));
type("ping -c 1 10.99.1.1 && echo still' 'there");
await hear(/1 packets received[^]*still there/);
say("without a daemon, and with another, it stays plugged in");

await call(driver, "domainDestroy", { dom });
assert.equal(exists("vnet0"), false);
await call(driver, "domainCreate", { dom });
assert.match(show("ip", "link"), /vnet/);
await driver.close();
endOf(dom);
driver = await open();
for (let rounds = 0; (await stateOf(dom)) !== 5 && rounds < 500; rounds++) await sleep(10);
assert.doesNotMatch(show("ip", "link"), /vnet/);
say("destroyed, or killed without a daemon, it leaves no tap device behind");

await call(driver, "networkDestroy", { net });
const inactive = /Network not found: no network with matching name 'lab'/;
await assert.rejects(call(driver, "domainCreate", { dom }), inactive);
assert.doesNotMatch(show("ip", "link"), /vnet/);
say("without its network it does not start");

assert.deepEqual(warnings, []);
await driver.close();
await loop.close();
rmSync(directory, { recursive: true });

/** Waits until the guest has said that, since it was heard last. */
async function hear(pattern: RegExp): Promise<void> {
  const deadline = loop.now() + bootMs;
  while (!pattern.test(heard)) {
    assert.ok(loop.now() < deadline, `the guest has not said ${pattern}, but: ${heard}`);
    await sleep(50);
  }
  heard = "";
}

/** What is typed is echoed: a pattern must not match it. */
function type(line: string): void {
  terminal.write(`${line}\n`);
}

async function gone(device: string): Promise<void> {
  for (let rounds = 0; exists(device) && rounds < 500; rounds++) await sleep(10);
  assert.equal(exists(device), false, `${device} is still there`);
}

async function xmlOf(domain: Domain): Promise<string> {
  return (await call(driver, "domainGetXmlDesc", { dom: domain, flags: 0 })).xml;
}

async function stateOf(domain: Domain): Promise<number> {
  return (await call(driver, "domainGetState", { dom: domain, flags: 0 })).state;
}

/** Kills its QEMU. */
function endOf(domain: Domain): void {
  const { process: identity } = JSON.parse(readFileSync(join(place("run"), `${domain.uuid}.json`), "utf8"));
  const held = openProcess(identity);
  held?.signal("SIGKILL");
  held?.close();
}

function say(what: string): void {
  process.stdout.write(`${what}\n`);
}
