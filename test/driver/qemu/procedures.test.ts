import assert from "node:assert/strict";
import { test } from "node:test";
import { localContext } from "../../../src/driver/local-context.ts";
import { Capabilities } from "../../../src/driver/qemu/capabilities/index.ts";
import { qemuProcedures } from "../../../src/driver/qemu/procedures/index.ts";
import type { VirError } from "../../../src/protocol/index.ts";
import { Bench, uuid, xml } from "./bench.ts";

const context = localContext();

type Procedures = Required<ReturnType<typeof qemuProcedures>>;

function setUp(): { bench: Bench; procedures: Procedures; dom: { name: string; uuid: string; id: number } } {
  const bench = new Bench();
  const surroundings = { capabilities: new Capabilities(undefined), version: 0n, leasesOf: async () => [] };
  const procedures = qemuProcedures(bench.operations, surroundings) as Procedures;
  return { bench, procedures, dom: { name: "hello", uuid, id: -1 } };
}

/** Code, domain and message of what a call is refused with; as libvirtd 9.0 answered. */
async function refusal(bench: Bench, call: () => unknown): Promise<unknown> {
  const outcome = bench.watch((async () => call())());
  await bench.hand.settle();
  const { code, domain, message } = outcome.error ?? (assert.fail(`not refused: ${outcome.result}`) as VirError);
  return [code, domain, message];
}

test("a list passes the filters of libvirt, one of each group that is asked for", async () => {
  const { bench, procedures } = setUp();
  await bench.running();
  await bench.done(bench.operations.create(xml("transient", uuid.replace("0", "1")), true, {}));
  await bench.done(bench.operations.define(xml("off", uuid.replace("0", "2")), {}));
  const list = async (flags: number): Promise<string> => {
    const { domains } = await procedures.connectListAllDomains({ needResults: 1, flags }, context);
    return domains.map(({ name }) => name).join(" ");
  };
  for (const [flags, expected] of [
    [0, "hello transient off"],
    [1, "hello transient"],
    [2, "off"],
    [1 | 2, "hello transient off"],
    [4, "hello off"],
    [8, "transient"],
    [1 | 4, "hello"],
    [16, "hello"],
    [32, "transient"],
    [64, "off"],
    [16 | 64, "hello off"],
    [128, ""],
    [256, ""],
    [512 | 2048 | 8192 | 32_768, "hello transient off"],
  ] as const) {
    assert.equal(await list(flags), expected, `flags ${flags}`);
  }
  const { domains, ret } = await procedures.connectListAllDomains({ needResults: 0, flags: 1 }, context);
  assert.deepEqual([domains, ret], [[], 2]);
});

test("flags that nobody knows are refused", async () => {
  const { bench, procedures, dom } = setUp();
  await bench.defined();
  for (const [call, caller] of [
    [() => procedures.connectListAllDomains({ needResults: 1, flags: 1 << 20 }, context), "qemuConnectListAllDomains"],
    [() => procedures.domainReset({ dom, flags: 1 << 20 }, context), "qemuDomainReset"],
    [() => procedures.domainShutdownFlags({ dom, flags: 1 << 20 }, context), "qemuDomainShutdownFlags"],
    [() => procedures.domainCreateWithFlags({ dom, flags: 1 << 20 }, context), "qemuDomainCreateWithFlags"],
  ] as const) {
    assert.deepEqual(await refusal(bench, call), [8, 10, `unsupported flags (0x100000) in function ${caller}`]);
  }
});

test("what is to be validated has nothing that libvirt's schema has not", async () => {
  const { bench, procedures } = setUp();
  const wrong = xml().replace("</domain>", "<frob/></domain>");
  const define = async (text: string, flags: number) => procedures.domainDefineXmlFlags({ xml: text, flags }, context);
  const create = async (text: string, flags: number) => procedures.domainCreateXml({ xmlDesc: text, flags }, context);
  for (const [call, validate] of [
    [define, 1],
    [create, 16],
  ] as const) {
    const [code, , message] = (await refusal(bench, () => call(wrong, validate))) as [number, number, string];
    assert.deepEqual([code, message.includes("Extra element frob in interleave")], [92, true]);
    await bench.done(call(wrong, 0));
  }
  await bench.done(bench.operations.destroy(bench.domain, false, {}));
});

test("the power button and the reset button need a guest that runs, the agent one that has it", async () => {
  const { bench, procedures, dom } = setUp();
  const domain = await bench.defined();
  const shutDown = (flags: number) => () => procedures.domainShutdownFlags({ dom, flags }, context);
  const reset = () => procedures.domainReset({ dom, flags: 0 }, context);
  const notRunning = "Requested operation is not valid: domain is not running";
  assert.deepEqual(await refusal(bench, shutDown(0)), [55, 10, notRunning]);
  assert.deepEqual(await refusal(bench, shutDown(2)), [55, 10, notRunning]);
  assert.deepEqual(await refusal(bench, reset), [55, 20, notRunning]);
  await bench.done(bench.operations.start(domain, { paused: true }, {}));
  assert.deepEqual(await refusal(bench, shutDown(0)), [55, 10, notRunning], "it is paused");
  await bench.done(bench.operations.resume(domain, {}));
  assert.deepEqual(await refusal(bench, shutDown(2)), [
    74,
    10,
    "argument unsupported: QEMU guest agent is not configured",
  ]);
  const { commands } = bench.host.last.transport;
  const before = commands.length;
  for (const call of [shutDown(0), shutDown(3), reset]) await bench.done((async () => call())());
  assert.deepEqual(
    commands.slice(before).map(({ execute }) => execute),
    ["system_powerdown", "system_powerdown", "system_reset"],
  );
});

test("vcpus are those of the run or of the definition, as asked for", async () => {
  const { bench, procedures, dom } = setUp();
  const domain = await bench.defined();
  const count = (flags: number) => async () => (await procedures.domainGetVcpusFlags({ dom, flags }, context)).num;
  const notRunning = [55, 20, "Requested operation is not valid: domain is not running"];
  assert.deepEqual(await refusal(bench, count(1)), notRunning);
  assert.deepEqual(await refusal(bench, () => procedures.domainGetMaxVcpus({ dom }, context)), notRunning);
  await bench.done(bench.operations.start(domain, {}, {}));
  await bench.done(bench.operations.define(xml().replace("<os>", "<vcpu current='2'>4</vcpu><os>"), {}));
  assert.deepEqual([await count(0)(), await count(1)(), await count(2)(), await count(2 | 4)()], [1, 1, 2, 4]);
  assert.equal((await procedures.domainGetMaxVcpus({ dom }, context)).num, 1);
  await bench.done(bench.operations.undefine(domain, {}));
  assert.deepEqual(await refusal(bench, count(2)), [
    55,
    20,
    "Requested operation is not valid: transient domains do not have any persistent config",
  ]);
});

test("a definition is shown as it runs, or as it will", async () => {
  const { bench, procedures, dom } = setUp();
  const domain = await bench.running();
  await bench.done(bench.operations.define(xml().replace("1024", "2048"), {}));
  const show = async (flags: number): Promise<unknown[]> => {
    const { xml } = await procedures.domainGetXmlDesc({ dom, flags }, context);
    return [/^<domain [^>]*>/.exec(xml)?.[0], /<memory unit='KiB'>(\d+)/.exec(xml)?.[1]];
  };
  assert.deepEqual(await show(0), ["<domain type='qemu' id='1'>", "1024"]);
  assert.deepEqual(await show(2), ["<domain type='qemu'>", "2048"]);
  await bench.done(bench.operations.destroy(domain, false, {}));
  assert.deepEqual(await show(0), ["<domain type='qemu'>", "2048"]);
});

test("a CPU is compared with the host's, and refused by its reason when that is wanted", async () => {
  const { bench, procedures } = setUp();
  const xml = "<cpu><arch>x86_64</arch><model>486</model><vendor>Hygon</vendor></cpu>";
  const { result } = await bench.done((async () => procedures.connectCompareCpu({ xml, flags: 0 }, context))());
  assert.equal(result, 0);
  const refused = await refusal(bench, () => procedures.connectCompareCpu({ xml, flags: 1 }, context));
  const why = "host CPU vendor does not match required CPU vendor Hygon";
  assert.deepEqual(refused, [91, 31, `the CPU is incompatible with host CPU: ${why}`]);
});

test("a definition is shown as a line for a shell, completed as for a start", async () => {
  const { bench, procedures } = setUp();
  const asked = { nativeFormat: "qemu-argv", domainXml: xml("it's"), flags: 0 };
  const { nativeConfig } = await bench.done((async () => procedures.connectDomainXmlToNative(asked, context))());
  assert.match(nativeConfig, /^LC_ALL=C \/usr\/bin\/qemu-system-x86_64 -name 'guest=it'\\''s,debug-threads=on' -S /);
  const foreign = () => procedures.connectDomainXmlToNative({ ...asked, nativeFormat: "xen-xl" }, context);
  assert.match(String(await refusal(bench, foreign)), /invalid argument: unsupported config type xen-xl/);
});
