import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { libvirtd, Teacher } from "../test/conformance/virsh/teacher.ts";
import { Floors } from "./client-floors.ts";
import { LineProgram, NativeBuild } from "./native.ts";
import { python } from "./rpc-contest.ts";
import { formatTable, median } from "./table.ts";

const rounds = 11;
/** Of each call in a round: what a program that makes many meets, not what the first ones take after others were at work. */
const callsInRound = 500;
/** Calls under way at once: more than libvirtd begins of one client's. */
const atOnce = [1, 16] as const;
const rateMs = 150;
const callNames = ["lookupByName", "info", "XMLDesc", "listAllDomains", "getHostname", "nodeInfo"];
const root = fileURLToPath(new URL("..", import.meta.url));

/** One client: what each row has come to, round by round. */
interface Rival {
  readonly name: string;
  readonly program: LineProgram;
  /** What the ratios to it are called, where they are an aim. */
  readonly aim?: string;
}
type Figures = Map<string, number[]>;

/** Our library beside libvirt's own from Python and from Node, all against the same libvirtd. */
export async function run(): Promise<void> {
  if (!existsSync(libvirtd) || spawnSync(python, ["-c", "import libvirt"]).status !== 0) {
    return console.log("skipped: no libvirtd here; the fix: apt-get install libvirt-daemon python3-libvirt");
  }
  const directory = mkdtempSync(join(tmpdir(), "vwb-"));
  chmodSync(directory, 0o755);
  const teacher = new Teacher(join(directory, "libvirtd"));
  const build = new NativeBuild();
  try {
    const unraid = installUnraid(join(directory, "unraid"));
    const ours = installOurs(join(directory, "ours"));
    await teacher.start();
    const uri = `test+unix:///default?socket=${teacher.socket}`;
    const floors = new Floors(build, directory, teacher.socket, Math.max(...atOnce));
    const { figures, rivals } = await measure(uri, ours, unraid, floors);
    print(figures, rivals, measureStarts(join(ours, "node_modules/.bin/virtwright"), uri));
    floors.print(Math.max(...atOnce));
  } finally {
    build.remove();
    await teacher.stop();
    rmSync(directory, { recursive: true });
  }
}

async function measure(uri: string, ours: string, unraid: string | undefined, floors: Floors) {
  const node = fileURLToPath(new URL("client-node.ts", import.meta.url));
  const py = fileURLToPath(new URL("client-python.py", import.meta.url));
  const rivals: Rival[] = [
    { name: "virtwright", program: new LineProgram(process.execPath, [node, uri, "virtwright", ours]) },
    { name: "python3-libvirt", program: new LineProgram(python, [py, uri]), aim: "python" },
  ];
  if (unraid !== undefined) {
    const program = new LineProgram(process.execPath, [node, uri, "@unraid/libvirt", unraid]);
    rivals.push({ name: "@unraid/libvirt", program, aim: "napi" });
  }
  rivals.push({ name: "python3, with events", program: new LineProgram(python, [py, uri, "events"]) });
  const figures: Figures = new Map();
  const note = (row: string, values: readonly number[]): void =>
    values.forEach((value, index) => {
      const key = `${row} ${rivals[index]?.name}`;
      figures.set(key, [...(figures.get(key) ?? []), value]);
    });
  try {
    for (const { program } of rivals) await program.round("calls 4000");
    await floors.warmUp();
    for (let round = 0; round < rounds; round++) {
      const answers: number[][] = [];
      for (const { program } of rivals) answers.push(await program.round(`calls ${callsInRound}`));
      for (const [index, name] of callNames.entries())
        note(
          `call: ${name}`,
          answers.map((answer) => (answer[index] as number) / 1e3),
        );
      for (const count of atOnce) {
        const rates: number[] = [];
        for (const { program } of rivals) {
          const [done = 0, ns = 1] = await program.round(`rate ${count} ${rateMs}`);
          rates.push(done / (ns / 1e9));
        }
        note(`info, ${count} at once`, rates);
      }
      await floors.round(callsInRound, rateMs);
    }
  } finally {
    for (const { program } of rivals) await program.close();
    await floors.close();
  }
  return { figures, rivals };
}

/** From nothing to the whole list, in ms: as a script would call it. */
function measureStarts(command: string, uri: string): { readonly ours: number; readonly virsh: number } {
  const took = (program: string, args: readonly string[]): number => {
    const start = performance.now();
    execFileSync(program, args, { stdio: "ignore" });
    return performance.now() - start;
  };
  const times = { ours: [] as number[], virsh: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(took(command, ["-c", uri, "list"]));
    times.virsh.push(took("virsh", ["-c", uri, "list"]));
  }
  return { ours: median(times.ours), virsh: median(times.virsh) };
}

function print(figures: Figures, rivals: readonly Rival[], starts: ReturnType<typeof measureStarts>): void {
  const names = rivals.map(({ name }) => name);
  const value = (row: string, name: string): number => median(figures.get(`${row} ${name}`) ?? []);
  /** Of the rounds, so that what disturbs one disturbs both. */
  const ratio = (row: string, other: string, theirRow = row): number => {
    const [ours = [], theirs = []] = [`${row} virtwright`, `${theirRow} ${other}`].map((key) => figures.get(key));
    return median(ours.map((each, index) => each / (theirs[index] as number)));
  };
  const [own = "", ...others] = names;
  const calls = callNames.map((name) => `call: ${name}`);
  const rates = atOnce.map((count) => `info, ${count} at once`);
  const line = (row: string, unit: string): string[] => [
    row,
    unit,
    ...names.map((name) => figure(value(row, name))),
    ...others.map((name) => figure(ratio(row, name))),
  ];
  console.log("Our library beside libvirt's own, all against the same libvirtd; medians of alternating rounds\n");
  const head = ["", "unit", ...names, ...others.map((name) => `${own}/${name}`)];
  const start = ["cold start of list", "ms", figure(starts.ours), `virsh ${figure(starts.virsh)}`];
  const empty = Array.from({ length: head.length - start.length }, () => "");
  console.log(
    formatTable(head, [
      ...calls.map((row) => line(row, "us")),
      ...rates.map((row) => line(row, "per s")),
      [...start, ...empty],
    ]),
  );
  console.log("");
  for (const { name: other, aim: name } of rivals) {
    if (name === undefined) continue;
    const worst = Math.max(...calls.map((row) => ratio(row, other)));
    console.log(
      `client.latency-${name}: the worst call, at most 1\nratio client.latency-${name} ${worst.toPrecision(3)}`,
    );
    const [one = "", many = ""] = rates;
    // Their calls wait: more than one at a time takes a thread each, ours does not.
    const pipelined = ratio(many, other, one);
    console.log(`client.pipelined-${name}: ours at once beside theirs in turn, at least 3`);
    console.log(`ratio client.pipelined-${name} ${pipelined.toPrecision(3)}`);
    console.log(`client.saturated-${name}: both at once, which is as much as libvirtd can do`);
    console.log(`ratio client.saturated-${name} ${ratio(many, other).toPrecision(3)}`);
  }
  console.log(
    `client.cold-start: beside virsh\nratio client.cold-start ${(starts.ours / starts.virsh).toPrecision(3)}`,
  );
}

function figure(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

/** Its main file; undefined, and the reason printed, when it does not install. It is compiled, and needs libvirt's headers. */
function installUnraid(folder: string): string | undefined {
  const result = install(folder, ["@unraid/libvirt@2.2.1"]);
  if (result === undefined) return folder;
  const reason = /fatal error: .*|gyp ERR! stack Error: .*|npm error .*/.exec(result)?.[0] ?? result.trim();
  console.log(`@unraid/libvirt does not install: ${reason}; the fix: apt-get install libvirt-dev g++ make python3\n`);
  return undefined;
}

/** The package as a user has it; returns the folder that it is installed in. */
function installOurs(folder: string): string {
  execFileSync(process.execPath, ["tools/bundle.ts"], { cwd: root });
  const pack = ["pack", "--ignore-scripts", "--silent", "--pack-destination", tmpdir(), root];
  const tarball = join(tmpdir(), execFileSync("npm", pack, { encoding: "utf8" }).trim());
  const complaint = install(folder, ["--ignore-scripts", tarball]);
  rmSync(tarball);
  if (complaint !== undefined) throw new Error(complaint);
  return folder;
}

/** What npm has complained of; undefined: nothing. */
function install(folder: string, what: readonly string[]): string | undefined {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--foreground-scripts"];
  const { status, stdout, stderr } = spawnSync("npm", ["install", ...flags, ...what], {
    cwd: folder,
    encoding: "utf8",
  });
  return status === 0 ? undefined : stdout + stderr;
}
