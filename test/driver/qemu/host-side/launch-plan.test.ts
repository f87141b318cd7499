import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { Taps } from "../../../../src/driver/network/taps.ts";
import { Capabilities } from "../../../../src/driver/qemu/capabilities/index.ts";
import { completionFor } from "../../../../src/driver/qemu/definition/complete.ts";
import { dumpDefinition } from "../../../../src/driver/qemu/definition/dump.ts";
import type { LaunchPlan } from "../../../../src/driver/qemu/index.ts";
import { type LaunchPlaces, planLaunch } from "../../../../src/driver/qemu/launch-plan.ts";
import { Definition } from "../../../../src/model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../../src/protocol/index.ts";
import { FakeMachine } from "../../network/fake-machine.ts";
import { uuid } from "../bench.ts";

const directory = mkdtempSync(join(tmpdir(), "vw-plan-"));
after(() => rmSync(directory, { recursive: true }));
const complete = completionFor({ version: 7_002_000n, nvramDirectory: directory });

function definitionOf(devices: string): Definition {
  const binary = join(directory, "qemu");
  writeFileSync(binary, "", { mode: 0o755 });
  return Definition.parse(
    `<domain type='qemu'><name>hello</name><uuid>${uuid}</uuid><memory>1024</memory>
     <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>
     <devices><emulator>${binary}</emulator>${devices}</devices></domain>`,
    complete,
  );
}

const network =
  "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='lab'/><model type='virtio'/></interface>";

describe("what a guest gets of the host", () => {
  let machine: FakeMachine;
  let places: LaunchPlaces;

  beforeEach(() => {
    machine = new FakeMachine();
    machine.links.set("virbr0", "52:54:00:00:00:00");
    places = {
      records: {
        monitorPath: () => join(directory, "m.monitor"),
        channelDirectory: () => join(directory, "channels"),
        guestDirectory: () => join(directory, "m"),
      },
      logDir: directory,
      stateDir: directory,
      nvramDirectory: directory,
      isFreePort: async () => true,
      freePort: async (first) => first,
      capabilities: new Capabilities(undefined),
      shared: {
        bridgeOf: (name) => {
          if (name === "lab") return "virbr0";
          throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.network, `network '${name}' is not active`);
        },
        volumePath: (pool, volume) => join(directory, `${pool}-${volume}`),
        secretOf: () => Buffer.from("open sesame"),
        taps: new Taps(machine),
      },
    };
  });

  const planned = (devices: string): Promise<LaunchPlan> => planLaunch(definitionOf(devices), places);
  const argumentsWith = ({ args }: LaunchPlan, word: string): string => args.find((each) => each.includes(word)) ?? "";

  it("is no limit of its CPUs, as it has no control group; shares of them are no limit", async () => {
    const limited = (tune: string): Promise<LaunchPlan> => {
      const definition = definitionOf("");
      const text = definition.toXml().replace("<os>", `<cputune>${tune}</cputune><os>`);
      return planLaunch(Definition.parse(text, complete), places);
    };
    for (const tune of [
      "<quota>50000</quota>",
      "<emulator_period>1000</emulator_period>",
      "<global_quota>-1</global_quota>",
    ])
      await assert.rejects(limited(tune), {
        message: "unsupported configuration: cgroup cpu is required for scheduler tuning",
      });
    await limited("<shares>512</shares><period>0</period>");
  });

  it("is a tap device for an interface on a network, open for QEMU and shown", async () => {
    const plan = await planned(network);
    assert.deepEqual(plan.fds, [40]);
    assert.match(argumentsWith(plan, "hostnet0"), /"fd":"4"/);
    assert.match(plan.definition.toXml(), /<source network='lab' bridge='virbr0'\/>\s*<target dev='vnet0'\/>/);
    assert.equal(machine.queues.get(40)?.hasHeader, true);
    plan.release?.();
    assert.equal(machine.links.has("vnet0"), false);
  });

  it("is one for each interface, with as many queues as the guest's card has", async () => {
    const bridge =
      "<interface type='bridge'><source bridge='virbr0'/><model type='virtio'/><driver queues='2'/></interface>";
    const plan = await planned(`${bridge}<interface type='ethernet'><target dev='mine'/></interface>`);
    assert.deepEqual(plan.fds, [40, 41, 42]);
    assert.match(argumentsWith(plan, "hostnet0"), /"fds":"4:5"/);
    assert.match(argumentsWith(plan, "hostnet1"), /"fd":"6"/);
    assert.deepEqual([...machine.links.keys()], ["lo", "virbr0", "vnet0", "mine"]);
    assert.match(plan.definition.toXml(), /<interface type='ethernet'>[^]*<target dev='mine'\/>/);
  });

  it("is not the name that another run made up", async () => {
    const first = await planned(network);
    const again = await planLaunch(first.definition, places);
    assert.match(again.definition.toXml(), /<target dev='vnet1'\/>/);
    const inactive = Definition.parse(first.definition.toXml(), complete);
    assert.doesNotMatch(inactive.toXml(), /vnet/);
  });

  it("is refused, and nothing left, when a network is not active", async () => {
    const other = network.replace("'lab'", "'other'");
    await assert.rejects(planned(other), {
      message: "Requested operation is not valid: network 'other' is not active",
    });
    machine.failing = "vnet1 up";
    await assert.rejects(planned(network + network.replace(":01'", ":02'")), /ip fails/);
    assert.equal(machine.queues.size, 0);
    assert.deepEqual([...machine.links.keys()], ["lo", "virbr0"]);
  });

  it("is nothing where the definition asks for more than there is", async () => {
    for (const more of ["<filterref filter='clean-traffic'/>", "<vlan><tag id='7'/></vlan>", "<script path='/x'/>"]) {
      await assert.rejects(planned(network.replace("</interface>", `${more}</interface>`)), {
        code: ErrorCode.configUnsupported,
      });
    }
    assert.deepEqual(machine.commands, []);
  });

  it("is the file of a volume, shown as the volume", async () => {
    writeFileSync(join(directory, "pool-disk.img"), "");
    const source = "<source pool='pool' volume='disk.img'/>";
    const plan = await planned(`<disk type='volume'>${source}<target dev='vda' bus='virtio'/></disk>`);
    assert.ok(argumentsWith(plan, "file").length > 0);
    assert.ok(plan.args.some((each) => each.includes(join(directory, "pool-disk.img"))));
    const shown = dumpDefinition(plan.definition, { id: 1 });
    assert.match(shown, /<disk type='volume' device='disk'>[^]*<source pool='pool' volume='disk.img' index='1'\/>/);
    assert.doesNotMatch(shown, /file=/);
    const again = await planLaunch(plan.definition, places);
    assert.equal(again.definition.toXml(), plan.definition.toXml());
  });

  it("is a secret that stands in no argument, for QEMU to read", async () => {
    const path = join(directory, "locked.img");
    writeFileSync(path, "");
    const encryption = `<encryption format='luks'><secret type='passphrase' uuid='${uuid}'/></encryption>`;
    const source = `<source file='${path}'>${encryption}</source>`;
    const plan = await planned(`<disk type='file'>${source}<target dev='vda' bus='virtio'/></disk>`);
    assert.match(argumentsWith(plan, '"secret"'), /"file":"\/dev\/fd\/4"/);
    assert.doesNotMatch(plan.args.join(" "), /sesame/);
    assert.equal(readFileSync(`/proc/self/fd/${plan.fds?.[0]}`, "utf8"), "open sesame");
    plan.release?.();
  });
});
