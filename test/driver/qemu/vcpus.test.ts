import assert from "node:assert/strict";
import { test } from "node:test";
import { localContext } from "../../../src/driver/local-context.ts";
import { resourceProcedures } from "../../../src/driver/qemu/procedures/resources.ts";
import type { Domain } from "../../../src/model/index.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";
import { Bench, uuid } from "./bench.ts";

const guest = `<domain type='qemu'><name>hello</name><uuid>${uuid}</uuid><memory>1024</memory>
  <vcpu current='2'>4</vcpu><os><type>hvm</type></os></domain>`;

/** A guest that runs, and whose QEMU has processors 0 and 1 from the start. */
async function running(): Promise<{ bench: Bench; domain: Domain; asked: string[] }> {
  const bench = new Bench();
  await bench.done(bench.operations.define(guest, {}));
  const { domain } = bench;
  await bench.done(bench.operations.start(domain, {}, {}));
  const { transport } = bench.host.last;
  const paths: (string | undefined)[] = ["/machine/unattached/device[0]", "/machine/unattached/device[1]"];
  const asked: string[] = [];
  transport.onCommand = ({ execute, arguments: args, id }) => {
    const slots = [0, 1, 2, 3].map((number) => ({
      type: "qemu64-x86_64-cpu",
      props: { "socket-id": number },
      ...(paths[number] === undefined ? {} : { "qom-path": paths[number] }),
    }));
    const alias = String(args["id"]);
    if (execute === "query-hotpluggable-cpus") return transport.reply(slots.toReversed(), id);
    asked.push(`${execute} ${alias}`);
    if (execute === "device_add") paths[Number(args["socket-id"])] = `/machine/peripheral/${alias}`;
    if (execute === "device_del") {
      paths[paths.indexOf(`/machine/peripheral/${alias}`)] = undefined;
      transport.event("DEVICE_DELETED", { device: alias });
    }
    transport.reply({}, id);
  };
  return { bench, domain, asked };
}

/** "0no1 2yes2": the numbers of those that are there, whether they may go, and their turns. */
function shown(definition: Domain["definition"]): string {
  const all = definition?.root.first("vcpus")?.all("vcpu") ?? [];
  const there = all.filter((each) => each.attribute("enabled") === "yes");
  const names = ["id", "hotpluggable", "order"];
  return there.map((each) => names.map((name) => each.attribute(name) ?? "").join("")).join(" ");
}

async function set({ bench, domain }: { bench: Bench; domain: Domain }, cpumap: string, state: number, flags: number) {
  const { domainSetVcpu } = resourceProcedures(bench.guests);
  assert.ok(domainSetVcpu);
  const args = { dom: domain.reference, cpumap, state, flags };
  const outcome = bench.watch((async () => domainSetVcpu(args, localContext()))());
  await bench.hand.settle();
  return outcome;
}

test("a processor of its own choice comes and goes, and its turn is told", async () => {
  const world = await running();
  assert.equal((await set(world, "3", 1, 1)).result, "ok");
  assert.equal(shown(world.domain.definition), "0no1 1no2 3yes3");
  assert.equal(world.domain.definition?.vcpus, 3);
  assert.equal((await set(world, "2", 1, 1)).result, "ok");
  assert.equal((await set(world, "3", 0, 1)).result, "ok");
  assert.equal(shown(world.domain.definition), "0no1 1no2 2yes4");
  assert.deepEqual(world.asked, ["device_add vcpu3", "device_add vcpu2", "device_del vcpu3"]);
});

test("so many are the first that are free, and those go again that came last by number", async () => {
  const world = await running();
  const { domainSetVcpus } = resourceProcedures(world.bench.guests);
  assert.ok(domainSetVcpus);
  await set(world, "3", 1, 1);
  const dom = world.domain.reference;
  const change = (nvcpus: number) => (async () => domainSetVcpus({ dom, nvcpus }, localContext()))();
  await world.bench.done(change(4));
  await world.bench.done(change(2));
  assert.deepEqual(world.asked, ["device_add vcpu3", "device_add vcpu2", "device_del vcpu3", "device_del vcpu2"]);
  const tooFew = world.bench.watch(change(1));
  await world.bench.hand.settle();
  assert.match(tooFew.result ?? "", /failed to find appropriate hotpluggable vcpus/);
});

test("what is so already, is there from the start, or is more than one, is refused", async () => {
  const world = await running();
  const refusals: [string, number, ErrorCode, RegExp][] = [
    ["1", 1, ErrorCode.invalidArg, /vcpu '1' is already in requested state/],
    ["1", 0, ErrorCode.operationUnsupported, /vcpu '1' can't be unplugged/],
    ["2,3", 1, ErrorCode.operationUnsupported, /only one hotpluggable entity can be selected/],
    ["4", 1, ErrorCode.invalidArg, /vcpu 4 is not present in live config/],
    ["x", 1, ErrorCode.invalidArg, /Failed to parse bitmap 'x'/],
    ["2", 2, ErrorCode.invalidArg, /unsupported state value/],
  ];
  for (const [cpumap, state, code, message] of refusals) {
    const { error } = await set(world, cpumap, state, 1);
    assert.equal(error?.code, code);
    assert.match(error.message, message);
  }
  assert.deepEqual(world.asked, []);
});

test("a definition keeps those in front that stay", async () => {
  const world = await running();
  assert.match((await set(world, "0", 0, 2)).result ?? "", /vCPU '0' can't be modified/);
  assert.equal((await set(world, "3", 1, 2)).result, "ok");
  assert.equal(shown(world.domain.persistent), "0no 1no 3yes");
  assert.equal(world.domain.persistent?.vcpus, 3);
  const { domainSetVcpusFlags } = resourceProcedures(world.bench.guests);
  assert.ok(domainSetVcpusFlags);
  const dom = world.domain.reference;
  const seen: string[] = [];
  for (const nvcpus of [3, 4, 1]) {
    await world.bench.done((async () => domainSetVcpusFlags({ dom, nvcpus, flags: 2 }, localContext()))());
    seen.push(shown(world.domain.persistent));
  }
  assert.deepEqual(seen, ["0no 1no 3yes", "0no 1no 2no 3yes", "0no"]);
});
