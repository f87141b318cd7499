import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { NetworkRuns } from "../../../src/driver/network/network-runs.ts";
import { Networks } from "../../../src/driver/network/networks.ts";
import { HostObjectRecords } from "../../../src/driver/objects/host-object-records.ts";
import { ErrorCode, type ObjectEvent } from "../../../src/protocol/index.ts";
import { HandLoop } from "../../qmp/hand-host.ts";
import { FakeMachine, FakeServer } from "./fake-machine.ts";

const dhcp = "<dhcp><range start='10.7.1.10' end='10.7.1.20'/></dhcp>";
const isolated = `<network><name>a</name><ip address='10.7.1.1' prefix='24'>${dhcp}</ip></network>`;
const nat = "<network><name>n</name><forward/><ip address='10.7.2.1' prefix='24'/></network>";
const bare = (name: string, bridge = ""): string => `<network><name>${name}</name>${bridge}</network>`;

describe("networks", () => {
  let directory: string;
  let machine: FakeMachine;
  let hand: HandLoop;
  let events: string[];
  let reported: unknown[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "vw-net-"));
    machine = new FakeMachine();
    hand = new HandLoop();
    events = [];
    reported = [];
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** As a daemon would after its start. */
  async function open(): Promise<Networks> {
    const report = (error: unknown): void => {
      reported.push(error);
    };
    const [runDir, leaseDir] = [join(directory, "run"), join(directory, "leases")];
    const networks = new Networks({
      loop: hand.loop,
      machine,
      report,
      records: new HostObjectRecords(join(directory, "kept"), report),
      runs: new NetworkRuns({ loop: hand.loop, machine, runDir, leaseDir, report }),
      tell: (event: ObjectEvent) => {
        if ("net" in event && "event" in event) events.push(`${event.net.name} ${event.event}`);
      },
    });
    await networks.load();
    return networks;
  }

  const runFiles = (): string[] => readdirSync(join(directory, "run")).sort();

  it("have bridge, rules and dnsmasq while they are active, and nothing afterwards", async () => {
    const networks = await open();
    await networks.define(isolated, {});
    const network = networks.byName("a");
    await networks.start(network, {});
    assert.deepEqual([...machine.links.keys()], ["lo", "virbr0"]);
    assert.deepEqual([...machine.tables.keys()], ["virtwright_virbr0"]);
    assert.equal(machine.alive.length, 1);
    assert.equal(networks.bridgeOf("a"), "virbr0");
    await networks.stop(network, {});
    assert.deepEqual([...machine.links.keys()], ["lo"]);
    assert.equal(machine.tables.size, 0);
    assert.equal(machine.alive.length, 0);
    assert.deepEqual(runFiles(), []);
    assert.throws(() => networks.bridgeOf("a"), { code: ErrorCode.operationInvalid });
    await networks.undefine(network, {});
    assert.deepEqual(events, ["a 0", "a 2", "a 3", "a 1"]);
    assert.throws(() => networks.byName("a"), { code: ErrorCode.noNetwork });
    assert.deepEqual(readdirSync(join(directory, "kept")), []);
  });

  for (const step of ["link add", "nft", "address add", "dev virbr0 up", "dnsmasq"]) {
    it(`leave nothing behind when ${step} fails`, async () => {
      const networks = await open();
      machine.failing = step;
      await assert.rejects(networks.create(isolated, {}), /fails/);
      assert.deepEqual([...machine.links.keys()], ["lo"]);
      assert.equal(machine.tables.size, 0);
      assert.equal(machine.alive.length, 0);
      assert.deepEqual(runFiles(), []);
      assert.deepEqual([networks.all, events, reported], [[], [], []]);
    });
  }

  it("name the package of a program that is missing", async () => {
    const networks = await open();
    machine.missing.add("dnsmasq");
    await assert.rejects(networks.create(isolated, {}), /Cannot find 'dnsmasq'.*apt-get install dnsmasq-base/);
    assert.deepEqual([...machine.links.keys()], ["lo"]);
  });

  it("run on without a daemon, and the next one takes them up as they are", async () => {
    const before = await open();
    await before.create(isolated, {});
    await before.define(nat, {});
    await before.close();
    const commands = machine.commands.length;
    const networks = await open();
    assert.deepEqual(
      networks.all.map(({ name, isActive, persistent }) => [name, isActive, persistent]),
      [
        ["n", false, true],
        ["a", true, false],
      ],
    );
    assert.deepEqual(machine.commands.slice(commands), [["nft", "-f", "-"]], "its rules are there, whoever took them");
    await networks.stop(networks.byName("a"), {});
    assert.equal(machine.alive.length, 0);
    assert.deepEqual([...machine.links.keys()], ["lo"]);
  });

  it("get another dnsmasq when theirs has died meanwhile", async () => {
    const before = await open();
    await before.create(isolated, {});
    await before.close();
    machine.alive[0]?.die();
    // Started by a daemon that was not there any more to note it down.
    machine.servers.push(new FakeServer(7, machine.servers[0]?.argument ?? ""));
    const networks = await open();
    assert.equal(machine.alive.length, 1);
    const [file = ""] = runFiles().filter((name) => name.endsWith(".json"));
    const record = JSON.parse(readFileSync(join(directory, "run", file), "utf8"));
    assert.deepEqual(record.process, machine.alive[0]?.identity);
    assert.equal(networks.byName("a").isActive, true);
  });

  it("are no more when their bridge is gone, or another's", async () => {
    const before = await open();
    await before.create(isolated, {});
    await before.define(nat, {});
    await before.start(before.byName("n"), {});
    await before.close();
    machine.links.delete("virbr0");
    machine.links.set("virbr1", "52:54:00:00:00:01");
    const networks = await open();
    assert.deepEqual(
      networks.all.map(({ name, isActive }) => [name, isActive]),
      [["n", false]],
    );
    assert.equal(machine.links.has("virbr1"), true, "it is not ours to remove");
    assert.equal(machine.tables.size, 0);
    assert.equal(machine.alive.length, 0);
  });

  it("are cleaned up when the daemon died while they started", async () => {
    const before = await open();
    await before.define(isolated, {});
    await before.start(before.byName("a"), {});
    await before.close();
    // As it was written before the bridge was made, and before dnsmasq had a number.
    const [file = ""] = runFiles().filter((name) => name.endsWith(".json"));
    const path = join(directory, "run", file);
    const record = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ ...record, phase: "changing", process: undefined }));
    machine.servers.push(new FakeServer(7, machine.servers[0]?.argument ?? ""));
    const networks = await open();
    assert.equal(networks.byName("a").isActive, false);
    assert.deepEqual([...machine.links.keys()], ["lo"]);
    assert.equal(machine.tables.size, 0);
    assert.equal(machine.alive.length, 0);
    assert.deepEqual(runFiles(), []);
  });

  it("do not outlive a boot, and their records neither", async () => {
    const before = await open();
    await before.create(isolated, {});
    await before.close();
    machine.boot = "boot-2";
    machine.links.delete("virbr0");
    const networks = await open();
    assert.deepEqual(networks.all, []);
    assert.equal(
      runFiles().some((name) => name.endsWith(".json")),
      false,
    );
  });

  it("take the first bridge name that nobody has or will have", async () => {
    const networks = await open();
    machine.links.set("virbr0", "x");
    machine.foreign = ["virbr1"];
    await networks.define(bare("a"), {});
    await Promise.all([networks.define(bare("b"), {}), networks.define(bare("c"), {})]);
    const bridges = networks.all.map(({ definition }) => definition.root.first("bridge")?.attribute("name"));
    assert.deepEqual(bridges, ["virbr2", "virbr3", "virbr4"]);
  });

  it("are refused a bridge of libvirt's, of another network's, or one that is there", async () => {
    const networks = await open();
    machine.foreign = ["virbr7"];
    machine.links.set("br0", "x");
    await networks.define(bare("a", "<bridge name='mine'/>"), {});
    for (const name of ["virbr7", "mine"]) {
      const definition = bare("b", `<bridge name='${name}'/>`);
      await assert.rejects(networks.define(definition, {}), /already in use/, name);
    }
    await assert.rejects(networks.create(bare("b", "<bridge name='br0'/>"), {}), /File exists/);
    assert.deepEqual(machine.commands, []);
    assert.equal(networks.all.length, 1);
  });

  it("are refused a subnet that leads elsewhere already", async () => {
    const networks = await open();
    machine.ways = [{ device: "eth0", destination: 0x0a_07_01_00, mask: 0xffff_ff00 }];
    await assert.rejects(networks.create(isolated, {}), /Network is already in use by interface eth0/);
  });

  it("are changed by one at a time, in the order of asking", async () => {
    const networks = await open();
    await networks.define(isolated, {});
    const network = networks.byName("a");
    let open_ = (): void => {};
    machine.gate = new Promise((resolve) => {
      open_ = resolve;
    });
    const all = Promise.allSettled([
      networks.start(network, {}),
      networks.start(network, {}),
      networks.stop(network, {}),
      networks.undefine(network, {}),
      networks.start(network, {}),
    ]);
    open_();
    const outcomes = (await all).map((each) => (each.status === "fulfilled" ? "done" : each.reason.code));
    assert.deepEqual(outcomes, ["done", ErrorCode.operationInvalid, "done", "done", ErrorCode.noNetwork]);
    assert.deepEqual(events, ["a 0", "a 2", "a 3", "a 1"]);
    assert.equal(machine.links.size, 1);
  });

  it("keep what runs when a change of it is refused by dnsmasq", async () => {
    const networks = await open();
    await networks.create(isolated, {});
    machine.failing = "--test";
    const host = "<host mac='52:54:00:00:00:01' ip='10.7.1.11'/>";
    const change = { command: 3, section: 4, parentIndex: -1, xml: host, flags: 1 };
    await assert.rejects(networks.update(networks.byName("a"), change, {}), /fails/);
    assert.equal(machine.alive.length, 1);
    assert.equal((await networks.textOf(networks.byName("a"), false)).includes("52:54:00:00:00:01"), false);
    await networks.update(networks.byName("a"), change, {});
    assert.equal(machine.servers.length, 2);
    assert.equal(machine.alive.length, 1);
    assert.equal((await networks.textOf(networks.byName("a"), false)).includes("52:54:00:00:00:01"), true);
  });

  it("tell how many guests are plugged into them", async () => {
    const networks = await open();
    await networks.create(isolated, {});
    machine.ports.set("virbr0", ["vnet0", "vnet3", "veth1"]);
    assert.match(await networks.textOf(networks.byName("a"), false), /^<network connections='2'>/);
  });

  it("kill a dnsmasq that does not end when it is told to", async () => {
    const networks = await open();
    await networks.create(isolated, {});
    const [server] = machine.alive;
    if (server !== undefined) server.isDeaf = true;
    const stopping = networks.stop(networks.byName("a"), {});
    let isStopped = false;
    void stopping.then(() => {
      isStopped = true;
    });
    // Files are written before it is told: so long, and as long as it takes.
    while (!isStopped) await hand.pass(5_001);
    assert.equal(server?.isAlive, false);
  });
});
