import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fetchedPackages } from "../lab/xen/fetch.ts";
import { runInXen, whyNoLab } from "../lab/xen/lab.ts";
import { NativeBuild } from "./native.ts";
import { formatTable, median } from "./table.ts";
import { measures, type Taken } from "./xen-board.ts";

/** libxl through us beside `xl` and a program in C, with the same guest, in one lab. */
export async function run(): Promise<void> {
  const reason = whyNoLab();
  if (reason !== undefined) return console.log(`skipped: ${reason}`);
  const build = new NativeBuild();
  try {
    const native = buildNative(build);
    if (native !== undefined) print(await compete(native));
  } finally {
    build.remove();
  }
}

function buildNative(build: NativeBuild): string | undefined {
  const { root = "" } = fetchedPackages() ?? {};
  const libraries = join(root, "usr/lib/x86_64-linux-gnu");
  // Those that libxl itself needs are there as well, and are found when it runs.
  const flags = [`-I${join(root, "usr/include")}`, `-L${libraries}`, `-Wl,-rpath-link,${libraries}`];
  return build.build("xen-native", ["xenlight", "xentoollog"], "gcc libc6-dev", flags);
}

async function compete(native: string): Promise<Taken> {
  const command = `node bench/xen-contest.ts ${native} > "$XEN_LAB/taken"`;
  const result = await runInXen(command, {
    timeoutMs: 1_800_000,
    clock: "instructions",
    onOutput: (_stream, text) => process.stderr.write(text),
  });
  if (result.exitCode !== 0) throw new Error(`the contest failed: ${result.stderr}; left in ${result.directory}`);
  const taken = JSON.parse(readFileSync(join(result.directory, "taken"), "utf8")) as Taken;
  result.remove();
  return taken;
}

function print(taken: Taken): void {
  console.log(
    "One PV guest, an uncompressed Linux with 128 MiB, in dom0 of an emulated machine: medians of alternating",
  );
  console.log("rounds in milliseconds, with the fastest and the slowest. The guest stays paused. xl is started anew");
  console.log(
    "for every call, and leaves nobody behind who waits for the guest's end; C calls libxl with its own loop.\n",
  );
  const ms = (micros: number): string => (micros / 1_000).toPrecision(3);
  const cell = (micros: readonly number[]): string =>
    `${ms(median(micros))} (${ms(Math.min(...micros))} to ${ms(Math.max(...micros))})`;
  const rows = Object.entries(taken).map(([name, each]) => [name, ...measures.map((measure) => cell(each[measure]))]);
  console.log(`${formatTable(["", ...measures], rows)}\n`);
  const of = (subject: string, measure: (typeof measures)[number]): number => median(taken[subject]?.[measure] ?? []);
  const goals = [
    ["xen.create", of("ours", "create") / of("xl", "create"), "beside xl, at most 1"],
    ["xen.destroy", of("ours", "destroy") / of("C", "destroy"), "beside C, at most 1.2"],
    ["xen.list", of("ours", "list") / of("C", "list"), "beside C, at most 1.2"],
  ] as const;
  for (const [name, value, goal] of goals) console.log(`${name}: ${goal}\nratio ${name} ${value.toPrecision(3)}`);
}
