import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { libvirtd } from "../test/conformance/virsh/teacher.ts";
import { NativeBuild } from "./native.ts";
import { Board } from "./rpc-board.ts";
import { callNames, measureEvents, measureLatency, measureStart, measureThroughput } from "./rpc-calls.ts";
import { Contest, python } from "./rpc-contest.ts";
import { measureDisk, measureDomains, measureWide } from "./rpc-domains.ts";

/** The daemon beside a private libvirtd, both with libvirt's test hypervisor and the same clients. */
export async function run(): Promise<void> {
  if (!existsSync(libvirtd) || spawnSync(python, ["-c", "import libvirt"]).status !== 0) {
    return console.log("skipped: no libvirtd here; the fix: apt-get install libvirt-daemon python3-libvirt");
  }
  const build = new NativeBuild();
  const directory = mkdtempSync(join(tmpdir(), "virtwright-bench-"));
  chmodSync(directory, 0o755);
  const board = new Board();
  try {
    const load = build.build("rpc-load", [], "gcc libc6-dev");
    if (load === undefined) return;
    const contest = new Contest(board, load, directory);
    try {
      await measure(contest);
    } finally {
      await contest.close();
    }
    print(board);
  } finally {
    rmSync(directory, { recursive: true });
    build.remove();
  }
}

async function measure(contest: Contest): Promise<void> {
  await measureStart(contest);
  await contest.both((subject) => subject.start());
  // They stay to the end: libvirtd forgets its test hypervisor with the last connection to it.
  const clients = contest.clients();
  try {
    await measureLatency(contest, clients);
    await measureThroughput(contest);
    await measureEvents(contest);
    await measureDisk(contest);
    await measureDomains(contest, clients);
    await measureWide(contest);
  } finally {
    await clients.close();
  }
}

function print(board: Board): void {
  console.log(
    "Our daemon beside libvirtd, both with the test hypervisor; medians of alternating rounds. Calls and lists",
  );
  console.log(
    "are made by libvirt's client from Python; what is per second, and what is raw, by a client that neither",
  );
  console.log("encodes nor decodes. p99.9, delay: of our event loop, all but one in a thousand and the longest, other");
  console.log("programs' work included; stretch: the longest that it worked in one go, in processor time.\n");
  board.print();
  console.log("");
  const goals: readonly (readonly [string, number, string])[] = [
    ["rpc.calls-4", board.ratio("calls, connections: 4"), "at least 1.8"],
    ["rpc.pipelined", board.ratio("calls, 64 under way on one"), "at least 4"],
    ["rpc.latency-worst", Math.max(...callNames.map((name) => board.ratio(name))), "at most 1.10"],
    ["rpc.list-10000", board.ratio("listAllDomains, 10,000"), "at most 1"],
    ["rpc.stats-10000", board.ratio("getAllDomainStats, 10,000"), "at most 1"],
    ["rpc.longest-stretch-ms", board.longestStretch, "at most 20"],
  ];
  for (const [name, value, goal] of goals) console.log(`${name}: ${goal}\nratio ${name} ${value.toPrecision(3)}`);
}
