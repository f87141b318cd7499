/** Runs in dom0, as root: `xen-contest.ts NATIVE`. Prints what each subject's rounds have taken, as JSON, in microseconds. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeConfig } from "../src/libxl/config.ts";
import { type DomainConfig, launchProcesses, openContext, XenProcesses } from "../src/libxl/index.ts";
import { openLoop } from "../src/os/index.ts";
import { LineProgram } from "./native.ts";
import { type Measure, measures, type Taken } from "./xen-board.ts";

const [, , native = ""] = process.argv;
const { XEN_LAB_VMLINUX: kernel = "" } = process.env;
const memoryMib = 128;
/** The first ones warm up and do not count. */
const warmUps = 1;
const rounds = 5;
/** In one round of a list. For xl, which is a program to be started, fewer. */
const [lists, xlLists] = [100, 2];

interface Subject {
  readonly name: string;
  readonly lists: number;
  /** Microseconds for all of it. */
  round(measure: Measure, times: number): Promise<number>;
  close(): Promise<void>;
}

function configOf(name: string): DomainConfig {
  const memory = { max_memkb: memoryMib * 1_024, target_memkb: memoryMib * 1_024 };
  return { c_info: { type: "pv", name }, b_info: { "type.pv": {}, max_vcpus: 1, ...memory, kernel } };
}

function program(name: string, path: string, args: readonly string[], count: number): Subject {
  const lines = new LineProgram(path, args);
  return {
    name,
    lists: count,
    async round(measure, times) {
      const [taken = Number.NaN] = await lines.round(`${measure} ${times}`);
      return taken;
    },
    close: () => lines.close(),
  };
}

interface Calls {
  create(config: DomainConfig): Promise<number>;
  destroy(domid: number): Promise<void>;
  domains(): unknown;
  close(): Promise<void>;
}

function ours(name: string, xen: Calls): Subject {
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
  return {
    name,
    lists,
    async round(measure, times) {
      const from = performance.now();
      await actions[measure](times);
      return (performance.now() - from) * 1_000;
    },
    close: () => xen.close(),
  };
}

const loop = openLoop();
const xlConfig = "/tmp/xen-contest";
writeFileSync(xlConfig, `name="xl"\nkernel="${kernel}"\nmemory=${memoryMib}\n`);
const subjects = [
  program("xl", "bash", [join(import.meta.dirname, "xen-xl.sh"), xlConfig], xlLists),
  program("C", native, [encodeConfig(configOf("C"))], lists),
  ours("ours", openContext(loop)),
  ours("ours, in processes", new XenProcesses(loop, { launch: launchProcesses(loop), operations: 1 })),
];
const taken: Taken = Object.fromEntries(subjects.map(({ name }) => [name, { create: [], list: [], destroy: [] }]));
for (let round = -warmUps; round < rounds; round++) {
  // One guest at a time: there is no room for more.
  for (const subject of subjects) {
    for (const measure of measures) {
      const times = measure === "list" ? subject.lists : 1;
      const micros = (await subject.round(measure, times)) / times;
      if (round >= 0) taken[subject.name]?.[measure].push(micros);
      console.error(`round ${round + 1}: ${measure}, ${subject.name}: ${(micros / 1_000).toPrecision(3)} ms`);
    }
  }
}
for (const subject of subjects) await subject.close();
await loop.close();
console.log(JSON.stringify(taken));
