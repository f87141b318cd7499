import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CallContext } from "../../../src/driver/driver.ts";
import { statisticsProcedures } from "../../../src/driver/xen/procedures/statistics.ts";
import { deviceNumber } from "../../../src/driver/xen/statistics/block-counters.ts";
import { Deferred } from "../../../src/event/index.ts";
import { LibxlError } from "../../../src/libxl/index.ts";
import { ErrorCode, type TypedParam, VirError } from "../../../src/protocol/index.ts";
import { FileTree } from "../host/file-tree.ts";
import { Bench, uuid } from "./bench.ts";

const mac = "00:16:3e:00:00:01";
const devices =
  "<devices>" +
  "<disk type='block'><driver name='phy'/><source dev='/dev/a'/><target dev='xvda'/></disk>" +
  "<disk type='block'><source dev='/dev/b'/><target dev='xvdb'/></disk>" +
  `<interface type='bridge'><source bridge='br0'/><mac address='${mac}'/></interface></devices>`;
const image = "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/c'/><target dev='xvdc'/></disk>";
/** As domain 0's kernel shows them. */
const counters = {
  rd_req: "3\n",
  rd_sect: "16\n",
  wr_req: "5\n",
  wr_sect: "8\n",
  f_req: "2\n",
  oo_req: "1\n",
  ds_req: "0\n",
};
const traffic = { bytes: "1000", packets: "10", errors: "1", dropped: "2" };

/** What each call answers. */
interface Answers {
  readonly domainBlockStats: Readonly<Record<string, bigint>>;
  readonly domainBlockStatsFlags: { readonly params: readonly TypedParam[]; readonly nparams: number };
  readonly domainInterfaceStats: Readonly<Record<string, bigint>>;
  readonly domainGetCpuStats: { readonly params: readonly TypedParam[]; readonly nparams: number };
  readonly connectGetAllDomainStats: {
    readonly retStats: readonly { readonly dom: { readonly name: string }; readonly params: readonly TypedParam[] }[];
  };
}

class StatisticsBench extends Bench implements AsyncDisposable {
  readonly tree = new FileTree();
  readonly procedures = statisticsProcedures(this.guests, this.tree.files);

  addDisk(domid: number, number: number): void {
    this.tree.add(`/sys/bus/xen-backend/devices/vbd-${domid}-${number}/statistics`, counters);
  }

  /** A network card whose guest has sent a thousand bytes and heard twice as much. */
  addCard(name: string): void {
    const files = Object.entries(traffic).flatMap(([counter, value]) => [
      [`rx_${counter}`, `${value}\n`],
      [`tx_${counter}`, `${2 * Number(value)}\n`],
    ]);
    this.tree.add(`/sys/class/net/${name}/statistics`, Object.fromEntries(files));
  }

  get dom() {
    return { name: "hello", uuid, id: this.domain.id };
  }

  call<C extends keyof Answers>(call: C, args: object): Promise<Answers[C]> {
    const context = { signal: new AbortController().signal } as CallContext;
    const procedure = this.procedures[call] as (args: object, context: CallContext) => unknown;
    return this.done(Promise.resolve(procedure({ dom: this.dom, flags: 0, ...args }, context))) as never;
  }

  /** The error's code, and what it says. */
  async refusal(call: keyof Answers, args: object): Promise<readonly [number, string]> {
    const error = await this.call(call, args).catch((reason: unknown) => reason);
    assert.ok(error instanceof VirError);
    return [error.code, error.message];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.domain.incarnation !== undefined) await this.done(this.operations.destroy(this.domain, {}));
    this.checkQuiet();
    this.tree[Symbol.dispose]();
  }
}

async function running(more = ""): Promise<StatisticsBench> {
  const bench = (await new StatisticsBench().loaded()) as StatisticsBench;
  await bench.running(more);
  return bench;
}

/** "name=value" of each. */
function shown(params: readonly TypedParam[]): string[] {
  return params.map(({ field, value }) => `${field}=${value.value}`);
}

describe("Statistics of a guest of Xen", () => {
  test("tell what a disk has done, by its name or its source, and what all of them have", async () => {
    await using bench = await running(devices);
    bench.addDisk(1, 51712);
    bench.addDisk(1, 51728);
    const one = { rdReq: 3n, rdBytes: 8192n, wrReq: 5n, wrBytes: 4096n, errs: 1n };
    assert.deepEqual(await bench.call("domainBlockStats", { path: "xvda" }), one);
    assert.deepEqual(await bench.call("domainBlockStats", { path: "/dev/b" }), one);
    const both = { rdReq: 6n, rdBytes: 16384n, wrReq: 10n, wrBytes: 8192n, errs: 2n };
    assert.deepEqual(await bench.call("domainBlockStats", { path: "" }), both);
    const { params } = await bench.call("domainBlockStatsFlags", { path: "xvda", nparams: 16 });
    assert.deepEqual(shown(params), [
      "wr_bytes=4096",
      "wr_operations=5",
      "rd_bytes=8192",
      "rd_operations=3",
      "flush_operations=2",
      "errs=1",
    ]);
    const few = await bench.call("domainBlockStatsFlags", { path: "xvda", nparams: 1 });
    assert.deepEqual(shown(few.params), ["wr_bytes=4096"]);
    assert.deepEqual(await bench.call("domainBlockStatsFlags", { path: "", nparams: 0 }), { params: [], nparams: 6 });
  });

  test("of a disk that nobody counts are refused as libvirt refuses them", async () => {
    const { operationInvalid, operationFailed, operationUnsupported } = ErrorCode;
    await using bench = await running(devices.replace("</devices>", `${image}</devices>`));
    const refusal = (path: string) => bench.refusal("domainBlockStats", { path });
    assert.deepEqual(await refusal("xvdz"), [operationInvalid, "Requested operation is not valid: invalid path: xvdz"]);
    assert.deepEqual(await refusal("xvda"), [operationFailed, "operation failed: cannot open bus path"]);
    assert.deepEqual(await refusal("xvdb"), [
      operationUnsupported,
      "Operation not supported: unsupported disk driver qemu",
    ]);
    assert.deepEqual(await refusal("xvdc"), await refusal("xvdb"));
    // Nor are there any of all of them.
    assert.equal((await refusal(""))[0], operationFailed);
    const path = "/sys/bus/xen-backend/devices/vbd-1-51712/statistics";
    bench.tree.add(path, { ...counters, wr_sect: "" });
    assert.deepEqual(await refusal("xvda"), [operationFailed, `operation failed: cannot read ${path}/wr_sect`]);
  });

  test("tell the traffic of a card as the guest sees it, by the host's name for it or its address", async () => {
    await using bench = await running(devices);
    bench.addCard("vif1.0");
    const seen = { rxBytes: 2000n, rxPackets: 20n, rxErrs: 2n, rxDrop: 4n };
    const sent = { txBytes: 1000n, txPackets: 10n, txErrs: 1n, txDrop: 2n };
    assert.deepEqual(await bench.call("domainInterfaceStats", { device: "vif1.0" }), { ...seen, ...sent });
    assert.deepEqual(await bench.call("domainInterfaceStats", { device: mac }), { ...seen, ...sent });
    const refusal = (device: string) => bench.refusal("domainInterfaceStats", { device });
    const unknown = [ErrorCode.invalidArg, "invalid argument: 'vif2.0' is not a known interface"];
    assert.deepEqual(await refusal("vif2.0"), unknown);
  });

  test("of a card that the host does not have are refused as libvirt refuses them", async () => {
    await using bench = await running(devices);
    const gone = [ErrorCode.internalError, "internal error: /proc/net/dev: Interface not found: vif1.0"];
    assert.deepEqual(await bench.refusal("domainInterfaceStats", { device: "vif1.0" }), gone);
  });

  test("tell how long each virtual CPU has run, and all together", async () => {
    await using bench = await running();
    const ask = (args: object) => bench.call("domainGetCpuStats", args);
    assert.equal((await ask({ nparams: 0, startCpu: 0, ncpus: 0 })).nparams, 2);
    assert.equal((await ask({ nparams: 0, startCpu: 0, ncpus: 1 })).nparams, 1);
    const second = 1_000_000_000;
    const total = await ask({ nparams: 1, startCpu: -1, ncpus: 1 });
    assert.deepEqual([shown(total.params), total.nparams], [[`cpu_time=${second}`], 1]);
    const each = async (startCpu: number, ncpus: number) => shown((await ask({ nparams: 4, startCpu, ncpus })).params);
    assert.deepEqual(await each(0, 128), [`cpu_time=${second}`, `cpu_time=${second}`]);
    assert.deepEqual(await each(1, 1), [`cpu_time=${second}`]);
    assert.deepEqual(await each(2, 1), []);
  });

  test("are of guests that run alone, and of domain 0", async () => {
    await using bench = await running(devices);
    const zero = { dom: { name: "Domain-0", uuid: "00000000-0000-0000-0000-000000000000", id: 0 } };
    const cpu = { nparams: 1, startCpu: -1, ncpus: 1 };
    assert.deepEqual(shown((await bench.call("domainGetCpuStats", { ...zero, ...cpu })).params), [
      "cpu_time=1000000000",
    ]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    const off = [ErrorCode.operationInvalid, "Requested operation is not valid: domain is not running"];
    assert.deepEqual(await bench.refusal("domainBlockStats", { path: "xvda" }), off);
    assert.deepEqual(await bench.refusal("domainBlockStatsFlags", { path: "xvda", nparams: 0 }), off);
    assert.deepEqual(await bench.refusal("domainInterfaceStats", { device: mac }), off);
    assert.deepEqual(await bench.refusal("domainGetCpuStats", cpu), off);
    assert.deepEqual(await bench.refusal("domainGetCpuStats", { ...cpu, nparams: 0 }), off);
  });

  test("of a guest that ends meanwhile are not another's", async () => {
    await using bench = await running();
    const gate = new Deferred();
    bench.world.gates.set("vcpus", gate.promise);
    const asked = bench.refusal("domainGetCpuStats", { nparams: 1, startCpu: 0, ncpus: 2 });
    await bench.settle();
    bench.xen.remove(1);
    await bench.settle();
    bench.xen.nextId = 1;
    await bench.done(bench.operations.start(bench.domain, {}, {}));
    gate.resolve();
    assert.match((await asked)[1], /domain is not running/);
  });
});

describe("Statistics of all domains of Xen", () => {
  const of = async (bench: StatisticsBench, stats: number): Promise<string[]> => {
    const { retStats } = await bench.call("connectGetAllDomainStats", { doms: [bench.dom], stats });
    return shown(retStats[0]?.params ?? []);
  };

  test("tell of virtual CPUs, cards and disks, by libvirt's names", async () => {
    await using bench = await running(devices);
    bench.addDisk(1, 51712);
    bench.addCard("vif1.0");
    assert.deepEqual(await of(bench, 8), [
      "vcpu.current=2",
      "vcpu.maximum=2",
      "vcpu.0.state=1",
      "vcpu.0.time=1000000000",
      "vcpu.1.state=1",
      "vcpu.1.time=1000000000",
    ]);
    assert.deepEqual(await of(bench, 16), [
      "net.count=1",
      "net.0.name=vif1.0",
      "net.0.rx.bytes=2000",
      "net.0.rx.pkts=20",
      "net.0.rx.errs=2",
      "net.0.rx.drop=4",
      "net.0.tx.bytes=1000",
      "net.0.tx.pkts=10",
      "net.0.tx.errs=1",
      "net.0.tx.drop=2",
    ]);
    assert.deepEqual(await of(bench, 32), [
      "block.count=2",
      "block.0.name=xvda",
      "block.0.path=/dev/a",
      "block.0.rd.reqs=3",
      "block.0.rd.bytes=8192",
      "block.0.wr.reqs=5",
      "block.0.wr.bytes=4096",
      "block.0.fl.reqs=2",
      "block.1.name=xvdb",
      "block.1.path=/dev/b",
    ]);
    const all = (await of(bench, 0)).map((line) => line.replace(/\..*/, ""));
    assert.deepEqual([...new Set(all)], ["state", "cpu", "balloon", "vcpu", "net", "block"]);
  });

  test("of one that does not run have what its definition says", async () => {
    await using bench = await running(devices);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    assert.deepEqual(await of(bench, 2 | 8 | 16 | 32), [
      "vcpu.current=2",
      "vcpu.maximum=2",
      "block.count=2",
      "block.0.name=xvda",
      "block.0.path=/dev/a",
      "block.1.name=xvdb",
      "block.1.path=/dev/b",
    ]);
  });

  test("leave out what Xen does not say, and are refused only by who wants all groups known", async () => {
    await using bench = await running();
    bench.xen.failures.set("vcpus", new LibxlError(-3, "vcpus"));
    assert.deepEqual(await of(bench, 8 | 64), ["vcpu.current=2", "vcpu.maximum=2"]);
    const [code, message] = await bench.refusal("connectGetAllDomainStats", {
      doms: [],
      stats: 8 | 64,
      flags: 0x8000_0000,
    });
    assert.equal(code, ErrorCode.argumentUnsupported);
    assert.match(message, /Stats types bits 0x40 are not supported/);
  });

  test("of a guest wait for no other's", async () => {
    await using bench = await running();
    const gate = new Deferred();
    bench.world.gates.set("vcpus", gate.promise);
    const asked = bench.call("connectGetAllDomainStats", { doms: [], stats: 8 });
    await bench.settle();
    assert.deepEqual(bench.xen.calls.slice(-2), ["vcpus", "vcpus"]);
    gate.resolve();
    const { retStats } = await asked;
    assert.deepEqual(
      retStats.map(({ dom }) => dom.name),
      ["Domain-0", "hello"],
    );
  });
});

test("Xen's number of a disk is the device number that Linux had for its name, or an extended one", () => {
  const numbers = {
    xvda: 51712,
    xvdb1: 51729,
    xvdp: 51952,
    xvdq: (1 << 28) | (16 << 8),
    xvda16: (1 << 28) | 16,
    hda: 768,
    hdb2: 834,
    hdc: 5632,
    hde: undefined,
    sda: 2048,
    sdb1: 2065,
    sdq: undefined,
    vda: undefined,
  };
  const given = Object.keys(numbers).map((name) => [name, deviceNumber(name)]);
  assert.deepEqual(Object.fromEntries(given), numbers);
});
