/** Runs in dom0, as root: `xen-contest.ts NATIVE`. Prints what each subject's rounds have taken, as JSON, in microseconds. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeConfig } from "../src/libxl/config.ts";
import { type DomainConfig, launchProcesses, openContext, XenProcesses } from "../src/libxl/index.ts";
import { openLoop } from "../src/os/index.ts";
import { type Measure, measures, type Taken } from "./xen-board.ts";
import { called, program, repeats, type Subject, takeRounds, xlRepeats } from "./xen-rounds.ts";

const [, , native = ""] = process.argv;
const { XEN_LAB_VMLINUX: kernel = "" } = process.env;
const memoryMib = 128;

function configOf(name: string): DomainConfig {
  const memory = { max_memkb: memoryMib * 1_024, target_memkb: memoryMib * 1_024 };
  return { c_info: { type: "pv", name }, b_info: { "type.pv": {}, max_vcpus: 1, ...memory, kernel } };
}

interface Calls {
  create(config: DomainConfig): Promise<number>;
  destroy(domid: number): Promise<void>;
  domains(): unknown;
  close(): Promise<void>;
}

function ours(name: string, xen: Calls): Subject<Measure> {
  let domid = -1;
  const actions: Record<Measure, (times: number) => Promise<void>> = {
    async create() {
      domid = await xen.create(configOf(name));
    },
    destroy: () => xen.destroy(domid),
    async list(times) {
      for (let count = 0; count < times; count++) {
        const domains = xen.domains();
        if (domains instanceof Promise) await domains;
      }
    },
  };
  return called(name, actions, () => xen.close());
}

const loop = openLoop();
const xlConfig = "/tmp/xen-contest";
writeFileSync(xlConfig, `name="xl"\nkernel="${kernel}"\nmemory=${memoryMib}\n`);
const subjects: readonly Subject<Measure>[] = [
  program("xl", "bash", [join(import.meta.dirname, "xen-xl.sh"), xlConfig], xlRepeats),
  program("C", native, [encodeConfig(configOf("C"))], repeats),
  ours("ours", openContext(loop)),
  ours("ours, in processes", new XenProcesses(loop, { launch: launchProcesses(loop), operations: 1 })),
];
const taken: Taken = await takeRounds(subjects, measures);
await loop.close();
console.log(JSON.stringify(taken));
