import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HostResources } from "../../src/driver/host-resources.ts";
import { openLoop } from "../../src/os/index.ts";

/** Networks with the real programs, in a network namespace of this process alone. Prints what held. */

const directory = mkdtempSync(join(tmpdir(), "vw-networks-"));
const place = (name: string): string => join(directory, name);
const places = {
  networkDir: place("networks"),
  networkRunDir: place("running-networks"),
  poolDir: place("pools"),
  poolRunDir: place("running-pools"),
};
const loop = openLoop();
const warnings: string[] = [];
const open = (): Promise<HostResources> =>
  HostResources.open(loop, { places, onWarning: (warning) => warnings.push(String(warning)) });
const show = (...words: readonly string[]): string =>
  execFileSync(words[0] ?? "", words.slice(1), { encoding: "utf8" });

const definition = `<network>
  <name>lab</name>
  <forward mode='nat'/>
  <domain name='lab.test' localOnly='yes'/>
  <dns><host ip='10.99.1.7'><hostname>seven</hostname></host></dns>
  <ip address='10.99.1.1' prefix='24'>
    <dhcp><range start='10.99.1.10' end='10.99.1.20'/><host mac='52:54:00:aa:00:01' name='guest' ip='10.99.1.15'/></dhcp>
  </ip>
</network>`;

let resources = await open();
await resources.networks.define(definition, {});
const lab = () => resources.networks.byName("lab");
await resources.networks.setAutostart(lab(), true, {});
await resources.networks.start(lab(), {});
const bridge = resources.networks.bridgeOf("lab");
assert.equal(bridge, "virbr0");
assert.match(show("ip", "-4", "address", "show", "dev", bridge), /10\.99\.1\.1\/24 brd 10\.99\.1\.255/);
assert.match(show("nft", "list", "tables"), /^table inet virtwright_virbr0$/m);
assert.match(show("nft", "list", "table", "inet", `virtwright_${bridge}`), /masquerade to :1024-65535/);
assert.equal(readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8").trim(), "1");
say("a network with NAT has its bridge, its rules and forwarding");

const tap = await resources.taps.open({ bridge, mac: "52:54:00:aa:00:01" });
assert.match(show("ip", "link", "show", "dev", tap.name), /master virbr0/);
assert.match(show("ip", "link", "show", "dev", tap.name), /link\/ether fe:54:00:aa:00:01/);
assert.match(await resources.networks.textOf(lab(), false), /<network connections='1'>/);
say("a tap device is plugged into it");

const resolver = new Resolver({ timeout: 2000, tries: 3 });
resolver.setServers(["10.99.1.1"]);
assert.deepEqual(await resolver.resolve4("seven.lab.test"), ["10.99.1.7"]);
say("dnsmasq answers for its names");

const guest = spawn("unshare", ["--net", process.execPath, new URL("dhcp-guest.ts", import.meta.url).pathname], {
  stdio: ["pipe", "pipe", "inherit"],
});
await once(guest.stdout, "data");
const card = ["link", "add", "veth-guest", "address", "52:54:00:aa:00:01", "type", "veth", "peer", "name", "veth-host"];
show("ip", ...card);
show("ip", "link", "set", "dev", "veth-host", "master", bridge, "up");
show("ip", "link", "set", "dev", "veth-guest", "netns", String(guest.pid));
guest.stdin.end("veth-guest 52:54:00:aa:00:01\n");
assert.equal(String((await once(guest.stdout, "data"))[0]).trim(), "10.99.1.15");
const now = Math.floor(Date.now() / 1000);
for (let rounds = 0; (await resources.networks.leasesOf(lab(), null, now)).length === 0 && rounds < 100; rounds++) {
  await sleep(20);
}
const [lease] = await resources.networks.leasesOf(lab(), "52:54:00:AA:00:01", now);
assert.deepEqual([lease?.ipaddr, lease?.hostname, lease?.prefix], ["10.99.1.15", "guest", 24]);
say("a guest gets its address by DHCP, and the lease is listed");

const pidFile = join(places.networkRunDir, `${lab().uuid}.dnsmasq.pid`);
const pid = Number(readFileSync(pidFile, "utf8"));
await resources.close();
assert.ok(isAlive(pid));
resources = await open();
assert.equal(lab().isActive, true);
assert.equal(Number(readFileSync(pidFile, "utf8")), pid);
assert.deepEqual(await resolver.resolve4("seven.lab.test"), ["10.99.1.7"]);
say("it runs on without a daemon, and the next one takes it up");

await resources.close();
process.kill(pid, "SIGKILL");
for (let rounds = 0; isAlive(pid) && rounds < 200; rounds++) await sleep(10);
resources = await open();
assert.notEqual(Number(readFileSync(pidFile, "utf8")), pid);
assert.deepEqual(await resolver.resolve4("seven.lab.test"), ["10.99.1.7"]);
say("a dnsmasq that died meanwhile has another in its place");

const host = "<host ip='10.99.1.8'><hostname>eight</hostname></host>";
await resources.networks.update(lab(), { command: 3, section: 10, parentIndex: -1, xml: host, flags: 1 }, {});
assert.deepEqual(await resolver.resolve4("eight.lab.test"), ["10.99.1.8"]);
say("a name that is added is answered for at once");

const last = Number(readFileSync(pidFile, "utf8"));
tap.close();
await resources.networks.stop(lab(), {});
assert.equal(isAlive(last), false);
assert.equal(existsSync(`/sys/class/net/${bridge}`), false);
assert.equal(show("nft", "list", "tables"), "");
assert.equal(show("ip", "link").includes(tap.name), false);
say("stopped, nothing is left of it");

show("ip", "link", "add", "name", "virbr0", "type", "bridge");
await resources.networks.create("<network><name>other</name><ip address='10.99.2.1' prefix='24'/></network>", {});
assert.equal(resources.networks.bridgeOf("other"), "virbr1");
await assert.rejects(resources.networks.start(lab(), {}), /error creating bridge interface virbr0: File exists/);
assert.ok(existsSync("/sys/class/net/virbr0"));
await resources.networks.stop(resources.networks.byName("other"), {});
say("a bridge that is there is left alone");

assert.deepEqual(warnings, []);
await resources.close();
await loop.close();
rmSync(directory, { recursive: true });

function isAlive(number: number): boolean {
  try {
    process.kill(number, 0);
    return readFileSync(`/proc/${number}/stat`, "utf8").split(") ")[1]?.startsWith("Z") !== true;
  } catch {
    return false;
  }
}

function say(what: string): void {
  process.stdout.write(`${what}\n`);
}
