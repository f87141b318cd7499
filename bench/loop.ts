import { OurLoop, type Setting } from "./loop-ours.ts";
import { LineProgram, NativeBuild } from "./native.ts";
import { formatTable, median } from "./table.ts";

/** In the order of enum measure in loop-native.h; the last one is ours only. */
const measures = [
  "register",
  "modify",
  "remove",
  "dispatch",
  "register timeout",
  "modify timeout",
  "remove timeout",
  "dispatch, alone",
] as const;
const dispatch = measures.indexOf("dispatch");
const dispatchAlone = measures.indexOf("dispatch, alone");
/** The first ones warm up and do not count. */
const warmUps = 3;
const rounds = 9;

const settings: readonly Setting[] = [
  { idle: 1, timeouts: 0 },
  { idle: 100, timeouts: 0 },
  { idle: 1000, timeouts: 0 },
  { idle: 10_000, timeouts: 0 },
  { idle: 1, timeouts: 10_000 },
];

/** Medians of one setting: nanoseconds per operation, -1 where there is none. */
interface Result extends Setting {
  readonly ours: readonly number[];
  readonly libvirt: readonly number[] | undefined;
  readonly epoll: readonly number[] | undefined;
}

export async function run(): Promise<void> {
  const build = new NativeBuild();
  try {
    const libvirt = build.build("loop-libvirt", ["virt"], "gcc libvirt-dev");
    const epoll = build.build("loop-epoll", [], "gcc libc6-dev");
    const results: Result[] = [];
    for (const setting of settings) results.push(await compare(setting, libvirt, epoll));
    print(results);
  } finally {
    build.remove();
  }
}

/** Rounds of the three take turns, so that a disturbance of the machine meets them alike. */
async function compare(setting: Setting, libvirt: string | undefined, epoll: string | undefined): Promise<Result> {
  const native = (path: string | undefined) =>
    path === undefined ? undefined : new LineProgram(path, [setting.idle, setting.timeouts]);
  const subjects = [new OurLoop(setting), native(libvirt), native(epoll)];
  const taken: number[][][] = subjects.map(() => []);
  for (let round = -warmUps; round < rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      const result = await subject?.round();
      if (round >= 0 && result !== undefined) taken[index]?.push(result);
    }
  }
  for (const subject of subjects) await subject?.close();
  const [ours, others, floor] = taken.map(mediansOf);
  return { ...setting, ours: ours ?? [], libvirt: others, epoll: floor };
}

function mediansOf(taken: readonly (readonly number[])[]): number[] | undefined {
  return taken[0]?.map((_, measure) => median(taken.map((round) => round[measure] ?? -1)));
}

function print(results: readonly Result[]): void {
  const rows = measures.flatMap((name, measure) =>
    results
      .filter(({ ours }) => (ours[measure] ?? -1) >= 0)
      .map((result) => [name, String(result.idle), String(result.timeouts), ...cells(result, measure)]),
  );
  console.log("Nanoseconds per operation; idle descriptors are Unix sockets; medians of interleaved rounds.");
  console.log("dispatch: one write and the callback it leads to, the next write being made by that callback;");
  console.log("alone: the next write is made from setImmediate (included), when the loop has nothing left to do.\n");
  console.log(
    formatTable(["", "idle fds", "timeouts", "ours", "libvirt", "epoll", "ours/libvirt", "ours/epoll"], rows),
  );
  console.log("");
  const at = (idle: number) => results.find((result) => result.idle === idle && result.timeouts === 0);
  const [one, thousand, most] = [at(1), at(1000), at(10_000)];
  ratio("loop.dispatch.10000-over-1", most?.ours[dispatch], one?.ours[dispatch], "at most 2");
  ratio(
    "loop.dispatch.epoll-1000",
    thousand?.ours[dispatch],
    thousand?.epoll?.[dispatch],
    "the distance to bare epoll",
  );
  ratio("loop.dispatch.libvirt-10000", most?.ours[dispatch], most?.libvirt?.[dispatch]);
  ratio("loop.dispatch.libvirt-1000", thousand?.ours[dispatch], thousand?.libvirt?.[dispatch], "at most 0.05");
}

function cells({ ours, libvirt, epoll }: Result, measure: number): string[] {
  const own = ours[measure] ?? -1;
  // In the others each dispatch goes all the way round anyway.
  const theirs = measure === dispatchAlone ? dispatch : measure;
  const others = [libvirt?.[theirs] ?? -1, epoll?.[theirs] ?? -1];
  const figure = (value: number, digits: number): string => (value < 0 ? "-" : value.toFixed(digits));
  return [
    figure(own, 0),
    ...others.map((value) => figure(value, 0)),
    ...others.map((value) => (value > 0 ? figure(own / value, 3) : "-")),
  ];
}

function ratio(name: string, value: number | undefined, base: number | undefined, goal?: string): void {
  if (value === undefined || base === undefined) return;
  if (goal !== undefined) console.log(`${name}: ${goal}`);
  console.log(`ratio ${name} ${(value / base).toPrecision(3)}`);
}
