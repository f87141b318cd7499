import { whyNoLab } from "../lab/xen/lab.ts";
import { libvirtdsCpu } from "../lab/xen/machine.ts";
import { median } from "./table.ts";
import { type DriverMeasure, type DriverTaken, driverMeasures } from "./xen-board.ts";
import { competeInXen, printGoals, takenTable } from "./xen-boot.ts";

/** Our daemon's Xen driver beside `xl`, and beside Debian's libvirtd with its own, with the same guest, in one lab. */
export async function run(): Promise<void> {
  const reason = whyNoLab();
  if (reason !== undefined) return console.log(`skipped: ${reason}`);
  print(await competeInXen<DriverTaken>("node bench/xen-driver-contest.ts", { dom0MemoryMib: 640, cpu: libvirtdsCpu }));
}

function print(taken: DriverTaken): void {
  console.log("The lab's small guest, running, in dom0 of an emulated machine: medians of alternating rounds in");
  console.log(
    "milliseconds, with the fastest and the slowest. xl is started anew for every call; the daemons have one",
  );
  console.log("client, who lists all domains a hundred times, and has a guest pause and go on a hundred times.\n");
  console.log(`${takenTable(taken, driverMeasures)}\n`);
  const of = (subject: string, measure: DriverMeasure): number => median(taken[subject]?.[measure] ?? []);
  const beside = (subject: string, measure: DriverMeasure): number => of("ours", measure) / of(subject, measure);
  printGoals([
    ["xen-driver.create", beside("xl", "create"), "beside xl, at most 1.1"],
    ...(["pause", "list", "destroy"] as const).map(
      (measure) => [`xen-driver.${measure}`, beside("xl", measure), "beside xl, at most 0.1"] as const,
    ),
    ...("libvirtd" in taken
      ? driverMeasures.map(
          (measure) => [`xen-driver.libvirtd-${measure}`, beside("libvirtd", measure), "beside libvirtd"] as const,
        )
      : []),
  ]);
}
