import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PrivateLibvirtd } from "../test/conformance/qemu/private-libvirtd.ts";
import { libvirtd } from "../test/conformance/virsh/teacher.ts";
import { LineProgram } from "./native.ts";
import { OurQemu, type QemuSubject, TheirQemu } from "./qemu-subjects.ts";
import { Board } from "./rpc-board.ts";
import { python } from "./rpc-contest.ts";

/** Rounds that alternate between the two. */
const rounds = 2;
/** How long a call on a guest that does not answer is looked at. */
const patienceS = 35;

/** Guests of QEMU through our daemon and through libvirtd: the same definition, the same client, in turn. */
export async function run(): Promise<void> {
  const obstacle = findObstacle();
  if (obstacle !== undefined) return console.log(`skipped: ${obstacle}`);
  const directory = mkdtempSync(join(tmpdir(), "virtwright-bench-"));
  chmodSync(directory, 0o755);
  const board = new Board();
  try {
    await using both = await Both.open(directory, board);
    await measureLives(both);
    await measureCrowd(both);
    await measureIsolation(both);
  } finally {
    rmSync(directory, { recursive: true });
  }
  print(board);
}

function findObstacle(): string | undefined {
  if (!existsSync(libvirtd) || spawnSync(python, ["-c", "import libvirt_qemu"]).status !== 0)
    return "no libvirtd here; the fix: apt-get install libvirt-daemon python3-libvirt";
  if (!existsSync("/usr/bin/qemu-system-x86_64")) return "no QEMU here; the fix: apt-get install qemu-system-x86";
  return PrivateLibvirtd.obstacle;
}

/** A guest of the kind that tests have many of: no system, a small disk, a network card, a serial port. */
function definition(disk: string): string {
  return `<domain type='qemu'><name>@NAME@</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
    <features><acpi/></features><devices>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${disk}'/><target dev='vda' bus='virtio'/><readonly/></disk>
    <interface type='user'><model type='virtio'/></interface><serial type='pty'/></devices></domain>`.replaceAll(
    "\n",
    " ",
  );
}

/** The two daemons, and a client of each. */
class Both implements AsyncDisposable {
  readonly #board: Board;
  readonly #sides: readonly { readonly subject: QemuSubject; readonly client: LineProgram }[];
  readonly #parts: AsyncDisposableStack;

  private constructor(
    board: Board,
    sides: readonly { readonly subject: QemuSubject; readonly client: LineProgram }[],
    parts: AsyncDisposableStack,
  ) {
    this.#board = board;
    this.#sides = sides;
    this.#parts = parts;
  }

  static async open(directory: string, board: Board): Promise<Both> {
    await using parts = new AsyncDisposableStack();
    const disk = join(directory, "disk.img");
    spawnSync("truncate", ["--size=1M", disk]);
    const sides = [];
    for (const [name, Subject] of [
      ["ours", OurQemu],
      ["libvirtd", TheirQemu],
    ] as const) {
      const place = join(directory, name);
      mkdirSync(place, { mode: 0o755 });
      const subject = new Subject(place);
      parts.defer(() => subject.stop());
      await subject.start();
      const main = fileURLToPath(new URL("./qemu-client.py", import.meta.url));
      const client = new LineProgram(python, [main, subject.uri, place, definition(disk)]);
      parts.defer(() => client.close());
      sides.push({ subject, client });
    }
    return new Both(board, sides, parts.move());
  }

  /** Asks both, one after the other, and returns what each has answered, in ms. */
  async ask(request: string): Promise<{ ours: number[]; libvirtd: number[] }> {
    const answers: number[][] = [];
    for (const { client } of this.#sides) answers.push((await client.round(request)).map((ns) => ns / 1e6));
    const [ours = [], libvirtd = []] = answers;
    return { ours, libvirtd };
  }

  /** The same, and each figure of the answer becomes a row. */
  async measure(request: string, ...names: readonly string[]): Promise<void> {
    const { ours, libvirtd } = await this.ask(request);
    for (const [at, name] of names.entries())
      this.#board.add(name, "ms", { ours: ours[at] ?? Number.NaN, libvirtd: libvirtd[at] ?? Number.NaN });
  }

  /** Processor time of each daemon while nothing is asked of it, in ms a second. */
  async measureIdle(name: string, seconds: number): Promise<void> {
    const before = this.#sides.map(({ subject }) => subject.processorMs());
    await sleep(seconds * 1000);
    const [ours = 0, libvirtd = 0] = this.#sides.map(
      ({ subject }, at) => (subject.processorMs() - (before[at] ?? 0)) / seconds,
    );
    this.#board.add(name, "ms/s", { ours, libvirtd });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

async function measureLives(both: Both): Promise<void> {
  // What either finds out about QEMU once for all is not counted.
  await both.ask("life 1");
  for (let round = 0; round < rounds; round++) {
    await both.measure("life 5", "create until running", "destroy");
    await both.measure("parallel 8", "8 created at once");
    await both.measure("save 1", "save", "restore");
  }
  await both.measure("attach 1", "attach a disk", "detach a disk, asked");
}

async function measureCrowd(both: Both): Promise<void> {
  await both.measure("crowd 20", "20 created in turn");
  for (let round = 0; round < rounds; round++) {
    await both.measure("stats 5", "statistics of 20 guests");
    await both.measure("events 50", "stop, until a subscriber hears, median", "stop, until a subscriber hears, p99");
  }
  await both.measureIdle("daemon's processor time, 20 idle guests", 10);
  await both.ask("disband");
}

/** One of ten guests does not answer any more. */
async function measureIsolation(both: Both): Promise<void> {
  await both.ask("crowd 10");
  for (let round = 0; round < rounds; round++) await both.measure("others 10", "call, median", "call, p99");
  await both.ask("freeze");
  const call = "call on another while one is stopped";
  for (let round = 0; round < rounds; round++) await both.measure("others 10", `${call}, median`, `${call}, p99`);
  const stopped = "one guest stopped";
  await both.measure(
    `frozen ${patienceS}`,
    `${stopped}: list`,
    `${stopped}: statistics`,
    `${stopped}: a call on it ends`,
  );
  await both.measure(`thaw ${patienceS}`, "it goes on: until it answers");
  await both.ask("disband");
}

function print(board: Board): void {
  console.log(
    "Guests of QEMU (TCG) through our daemon and through libvirtd, with libvirt's client from Python, in turn;",
  );
  console.log(`medians. ${patienceS},000 ms: had not ended by then.\n`);
  board.print();
  console.log("");
  const p99 = "call on another while one is stopped, p99";
  const goals: readonly (readonly [string, number, string])[] = [
    ["qemu.create", board.ratio("create until running"), "at most 0.5"],
    ["qemu.destroy", board.ratio("destroy"), "at most 0.25"],
    ["qemu.parallel-8", board.ratio("8 created at once"), "at most 0.67 (1.5 times as many a second)"],
    ["qemu.stopped-p99", board.ours(p99) / board.ours("call, p99"), "at most 1.5, ours alone"],
  ];
  for (const [name, value, goal] of goals) console.log(`${name}: ${goal}\nratio ${name} ${value.toPrecision(3)}`);
}
