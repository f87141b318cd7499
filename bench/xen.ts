import { join } from "node:path";
import { fetchedPackages } from "../lab/xen/fetch.ts";
import { whyNoLab } from "../lab/xen/lab.ts";
import { NativeBuild } from "./native.ts";
import { median } from "./table.ts";
import { measures, type Taken } from "./xen-board.ts";
import { competeInXen, printGoals, takenTable } from "./xen-boot.ts";

/** libxl through us beside `xl` and a program in C, with the same guest, in one lab. */
export async function run(): Promise<void> {
  const reason = whyNoLab();
  if (reason !== undefined) return console.log(`skipped: ${reason}`);
  const build = new NativeBuild();
  try {
    const native = buildNative(build);
    if (native !== undefined) print(await competeInXen<Taken>(`node bench/xen-contest.ts ${native}`));
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

function print(taken: Taken): void {
  console.log(
    "One PV guest, an uncompressed Linux with 128 MiB, in dom0 of an emulated machine: medians of alternating",
  );
  console.log("rounds in milliseconds, with the fastest and the slowest. The guest stays paused. xl is started anew");
  console.log(
    "for every call, and leaves nobody behind who waits for the guest's end; C calls libxl with its own loop.\n",
  );
  console.log(`${takenTable(taken, measures)}\n`);
  const of = (subject: string, measure: (typeof measures)[number]): number => median(taken[subject]?.[measure] ?? []);
  printGoals([
    ["xen.create", of("ours", "create") / of("xl", "create"), "beside xl, at most 1"],
    ["xen.destroy", of("ours", "destroy") / of("C", "destroy"), "beside C, at most 1.2"],
    ["xen.list", of("ours", "list") / of("C", "list"), "beside C, at most 1.2"],
  ]);
}
