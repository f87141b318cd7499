import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readBinaryFacts } from "../../src/driver/qemu/capabilities/binary-facts.ts";
import { Capabilities, withHostModel } from "../../src/driver/qemu/capabilities/index.ts";
import { KvmProbe } from "../../src/driver/qemu/capabilities/kvm.ts";
import { ProbeError, probe } from "../../src/driver/qemu/capabilities/probe.ts";
import { Definition } from "../../src/model/index.ts";
import { parseXml } from "../../src/xml/index.ts";

const qemu = "/usr/bin/qemu-system-x86_64";
const missing = existsSync(qemu) ? false : `there is no ${qemu}: sudo apt-get install qemu-system-x86`;
const bounded = { skip: missing, timeout: 120_000 };

/** A program that says it is QEMU, and where it notes its process id. */
function fake(context: TestContext, body: string): { path: string; pid: () => number } {
  const directory = mkdtempSync(join(tmpdir(), "vwk-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "qemu");
  writeFileSync(path, `#!/bin/sh\necho $$ > ${directory}/pid\n${body}\n`);
  chmodSync(path, 0o755);
  return { path, pid: () => Number(readFileSync(join(directory, "pid"), "utf8")) };
}

test("a QEMU says what it can do", bounded, async () => {
  const facts = await readBinaryFacts(qemu, "tcg");
  assert.ok(facts.version >= 6_000_000);
  assert.equal(facts.arch, "x86_64");
  assert.ok(facts.machines.some(({ alias, maxCpus }) => alias === "q35" && maxCpus >= 255));
  assert.deepEqual(facts.models.find(({ name }) => name === "qemu64")?.unavailable, []);
  assert.ok(facts.devices.includes("virtio-blk-pci"));
  assert.ok(facts.maxFeatures.includes("sse2"));
});

test("a QEMU that says nothing is given up by its deadline, and killed", { timeout: 60_000 }, async (context) => {
  const { path, pid } = fake(context, "exec sleep 1000");
  const began = performance.now();
  await assert.rejects(probe(path, [], { accelerator: "tcg", timeoutMs: 700 }), ProbeError);
  assert.ok(performance.now() - began < 10_000);
  for (let rounds = 0; existsSync(`/proc/${pid()}/exe`) && rounds < 200; rounds++) await pause();
  assert.ok(!existsSync(`/proc/${pid()}/exe`), "it still runs");
});

test("a QEMU that dies is told by its last words, and one that is not there by its absence", async (context) => {
  const { path } = fake(context, "echo no such accelerator >&2; exit 1");
  const options = { accelerator: "tcg", timeoutMs: 20_000 };
  await assert.rejects(probe(path, [], options), { name: "ProbeError", message: /no such accelerator/ });
  await assert.rejects(probe("/nowhere/qemu", [], options), { name: "ProbeError", message: /ENOENT/ });
});

test("a device node that hangs whoever opens it does not hang us: there is no KVM then", {
  timeout: 60_000,
}, async (context) => {
  const { path, pid } = fake(context, "exec sleep 1000");
  const kvm = new KvmProbe(path, { node: path, timeoutMs: 700 });
  const [one, other] = [kvm.works(), kvm.works()];
  assert.equal(one, other);
  assert.equal(await one, false);
  assert.ok(pid() > 0, "it was never tried");
});

test("where there is no node for KVM nothing is started to try it", async (context) => {
  const { path, pid } = fake(context, "exec sleep 1000");
  assert.equal(await new KvmProbe(path, { node: "/nowhere/kvm", timeoutMs: 700 }).works(), false);
  assert.throws(pid);
});

test("the capabilities name the QEMU, its machines and the host's processors", bounded, async () => {
  const { root } = parseXml(await new Capabilities(undefined).xml());
  const guests = root.all("guest").map((guest) => guest.first("arch"));
  const own = guests.find((arch) => arch?.attribute("name") === "x86_64") ?? assert.fail("no x86_64");
  assert.equal(own.first("emulator")?.text, qemu);
  const [first, second] = own.all("machine");
  assert.equal(second?.text, "pc");
  assert.equal(second?.attribute("canonical"), first?.text);
  const cells = root.find("host", "topology", "cells");
  const cpus = cells?.all("cell").flatMap((cell) => cell.first("cpus")?.all("cpu") ?? []) ?? [];
  assert.ok(cpus.length > 0);
});

test("the capabilities of domains are of the machine that is asked for", bounded, async () => {
  const capabilities = new Capabilities(undefined);
  const ask = async (machine: string) => {
    const kind = { emulator: undefined, arch: "x86_64", machine, type: "qemu" };
    return parseXml(await capabilities.domainXml(kind)).root;
  };
  const buses = (root: Awaited<ReturnType<typeof ask>>): string[] => {
    const choices = root.find("devices", "disk")?.all("enum") ?? [];
    const bus = choices.find((choice) => choice.attribute("name") === "bus");
    return bus?.all("value").map(({ text }) => text) ?? [];
  };
  const [pc, q35] = [await ask("pc"), await ask("q35")];
  assert.match(pc.first("machine")?.text ?? "", /^pc-i440fx-/);
  assert.ok(buses(pc).includes("ide") && !buses(q35).includes("ide"));
  const modes = pc.first("cpu")?.all("mode") ?? [];
  assert.ok((modes.find((mode) => mode.attribute("name") === "host-model")?.first("model")?.text ?? "") !== "");
  await assert.rejects(ask("nosuch"), {
    message: `invalid argument: the machine 'nosuch' is not supported by emulator '${qemu}'`,
  });
});

test(
  "a run's processor is the model that host-model stands for, with what the definition says itself",
  bounded,
  async () => {
    const definition = Definition.parse(`<domain type='qemu'><name>a</name><memory>1024</memory>
    <os><type arch='x86_64' machine='pc'>hvm</type></os>
    <cpu mode='host-model'><topology sockets='1' cores='1' threads='1'/><feature policy='disable' name='aes'/></cpu></domain>`);
    const cpu = (await withHostModel(definition, new Capabilities(undefined))).root.first("cpu");
    assert.equal(cpu?.attribute("mode"), "custom");
    assert.notEqual(cpu?.first("model")?.text ?? "", "");
    const names = cpu?.elements().map(({ name }) => name) ?? [];
    assert.ok(names.indexOf("topology") < names.indexOf("feature"));
    const policies = cpu?.all("feature").filter((each) => each.attribute("name") === "aes") ?? [];
    assert.deepEqual(
      policies.map((each) => each.attribute("policy")),
      ["disable"],
    );
  },
);

test("guests that nothing here can run are refused in libvirt's words", bounded, async () => {
  const capabilities = new Capabilities(undefined);
  const ask = (kind: Partial<Parameters<Capabilities["find"]>[0]>) =>
    capabilities.find({ emulator: undefined, arch: undefined, machine: undefined, type: undefined, ...kind });
  await assert.rejects(ask({ arch: "aarch64" }), {
    message: "unsupported configuration: unable to find any emulator to serve 'aarch64' architecture",
  });
  await assert.rejects(ask({ type: "xen" }), { message: "invalid argument: unknown virttype: xen" });
});

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
}
