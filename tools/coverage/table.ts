import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authenticationHandlers } from "../../src/daemon/authentication-procedures.ts";
import { monitorEventHandlers } from "../../src/daemon/monitor-event-procedures.ts";
import { objectEventHandlers } from "../../src/daemon/object-event-procedures.ts";
import { eventHandlers, sessionHandlers } from "../../src/daemon/session-procedures.ts";
import { QemuDriver } from "../../src/driver/qemu/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import { XenDriver, type XenDriverOptions } from "../../src/driver/xen/index.ts";
import { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { type Call, lxc, type Program, publicFunction, qemu, remote } from "../../src/protocol/index.ts";
import { SimHost, SimKernel } from "../../src/testkit/index.ts";

/** Who may answer a call. */
interface Column {
  readonly title: string;
  readonly has: (name: string) => boolean;
}

interface Row {
  readonly program: string;
  readonly name: string;
  readonly call: Call;
  readonly answered: readonly boolean[];
}

/** A page: totals, then a line for each call of the programs that a hypervisor answers. */
export async function coverageText(): Promise<string> {
  const columns = await findColumns();
  const rows = [remote, qemu, lxc].flatMap((program) => rowsOf(program, columns));
  const titles = columns.map(({ title }) => title);
  return [
    "# Coverage",
    "",
    "Which calls of libvirt's wire are answered, and by whom; all others are answered with libvirt's own error for what a",
    "driver does not support. Written by `node tools/coverage.ts`; the table of procedures in `src/protocol` is what it",
    "goes through.",
    "",
    ...table(["", "calls", ...titles, "anybody"], totals(rows, columns)),
    "",
    ...table(
      ["program", "number", "call", "libvirt's function", ...titles],
      rows.map(({ program, name, call, answered }) => [
        program,
        String(call.number),
        name,
        publicFunction(name, call) ?? "",
        ...answered.map((yes) => (yes ? "yes" : "")),
      ]),
    ),
    "",
  ].join("\n");
}

async function findColumns(): Promise<Column[]> {
  const fail = (error: unknown): never => {
    throw error;
  };
  await using driver = new TestDriver(new Loop(new SimHost(new SimKernel()), { onError: fail }));
  const { hypervisor } = await driver.connect("test:///default", { readOnly: true });
  const qemu = await qemuNames();
  const xen = await xenNames();
  return [
    column("test driver", hypervisor.procedures),
    { title: "QEMU driver", has: (name) => qemu.has(name) },
    { title: "Xen driver", has: (name) => xen.has(name) },
    column("daemon", {
      ...sessionHandlers,
      ...authenticationHandlers,
      ...eventHandlers,
      ...objectEventHandlers,
      ...monitorEventHandlers,
    }),
  ];
}

/** It has networks and pools beside its guests only where it has places for them. */
async function qemuNames(): Promise<ReadonlySet<string>> {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-coverage-"));
  const place = (name: string): string => join(directory, name);
  try {
    await using loop = openLoop();
    await using driver = await QemuDriver.open(loop, {
      uri: "qemu:///session",
      stateDir: place("state"),
      runDir: place("run"),
      logDir: place("log"),
      resources: {
        networkDir: place("networks"),
        networkRunDir: place("run-networks"),
        poolDir: place("pools"),
        poolRunDir: place("run-pools"),
      },
    });
    return new Set(Object.keys(driver.procedures));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Before a Xen that has nothing. */
async function xenNames(): Promise<ReadonlySet<string>> {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-coverage-"));
  const answer = async (name: string): Promise<unknown> => (name === "domains" ? [] : undefined);
  type Given = NonNullable<XenDriverOptions["xen"]>;
  const calls = new Proxy({}, { get: (_, name) => () => answer(String(name)) }) as Given["calls"];
  const news: Given["news"] = { subscribe: () => () => {}, followName: () => () => {} };
  const xen = { calls, news, predecessors: Promise.resolve(), close: () => {} };
  try {
    await using loop = openLoop();
    const places = { stateDir: join(directory, "state"), runDir: join(directory, "run") };
    await using driver = await XenDriver.open(loop, { ...places, xen });
    return new Set(Object.keys(driver.procedures));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function column(title: string, handlers: object): Column {
  const names = new Set(Object.keys(handlers));
  return { title, has: (name) => names.has(name) };
}

function rowsOf({ name: program, procedures }: Program, columns: readonly Column[]): Row[] {
  const calls = Object.entries(procedures).filter((entry): entry is [string, Call] => entry[1].kind === "call");
  return calls
    .sort(([, one], [, other]) => one.number - other.number)
    .map(([name, call]) => ({ program, name, call, answered: columns.map(({ has }) => has(name)) }));
}

function totals(rows: readonly Row[], columns: readonly Column[]): string[][] {
  const programs = [...new Set(rows.map(({ program }) => program))];
  return programs.map((program) => {
    const own = rows.filter((row) => row.program === program);
    const counts = columns.map((_, index) => own.filter(({ answered }) => answered[index] === true).length);
    const anybody = own.filter(({ answered }) => answered.includes(true)).length;
    return [program, ...[own.length, ...counts, anybody].map(String)];
  });
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `|${cells.map((cell) => (cell === "" ? " |" : ` ${cell} |`)).join("")}`;
  return [line(heads), `|${"---|".repeat(heads.length)}`, ...rows.map(line)];
}
