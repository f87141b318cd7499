import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Loop } from "../../../src/event/index.ts";
import { openLoop, openProcess } from "../../../src/os/index.ts";
import { DomainState } from "../../../src/protocol/index.ts";
import { DaemonClient } from "../killed-daemon/daemon-client.ts";
import { DaemonLife } from "../killed-daemon/daemon-life.ts";
import type { DaemonCounts } from "../killed-daemon/daemon-process.ts";
import { History } from "../killed-daemon/history.ts";
import { bootable, powerOnButton } from "../qemu-bench.ts";
import { playScript, type ScriptGuest, type Step } from "../rounds/script.ts";
import { findQemus } from "./qemu-processes.ts";

export interface RoundsOptions {
  readonly rounds: number;
  readonly guests: number;
  readonly onRound?: (rounds: number) => void;
}

interface QemuGuest extends ScriptGuest {
  /** One more disk, to be plugged in. */
  readonly disk: string;
  /** Asks until the guest, which may still be booting, has heard. */
  readonly until: (told: string, ask: () => Promise<unknown>) => Promise<void>;
}

const { running, paused, shutoff } = DomainState;
const [defined, resumed, started, suspended] = ["0/0", "4/0", "2/0", "3/0"];
const [destroyed, ended, saved] = ["5/1", "5/0", "5/4"];

/** What is right on QEMU, as libvirtd 9.0 tells it. */
const script: readonly Step<QemuGuest>[] = [
  { what: "define", act: ({ client, xml }) => client.call.domainDefineXml({ xml }), told: [defined], state: shutoff },
  {
    what: "start",
    act: ({ client, dom }) => client.call.domainCreate({ dom }),
    told: [resumed, started],
    state: running,
  },
  {
    what: "destroy",
    act: ({ client, dom }) => client.call.domainDestroy({ dom }),
    told: ["6/2", destroyed],
    state: shutoff,
  },
  {
    what: "undefine",
    act: ({ client, dom }) => client.call.domainUndefine({ dom }),
    told: ["1/0"],
    state: "none",
  },
  {
    what: "create a transient one",
    act: ({ client, xml }) => client.call.domainCreateXml({ xmlDesc: xml, flags: 0 }),
    told: [resumed, started],
    state: running,
  },
  {
    what: "suspend",
    act: ({ client, dom }) => client.call.domainSuspend({ dom }),
    told: [suspended],
    state: paused,
  },
  { what: "resume", act: ({ client, dom }) => client.call.domainResume({ dom }), told: [resumed], state: running },
  {
    what: "plug a disk in",
    act: ({ client, dom, disk }) => client.call.domainAttachDeviceFlags({ dom, xml: disk, flags: 1 }),
    told: [],
    state: running,
    check: showsDisk(true),
  },
  {
    what: "reboot",
    act: ({ client, dom, until }) => until("reboot", () => client.call.domainReboot({ dom, flags: 1 })),
    told: [],
    state: running,
  },
  {
    what: "shut down",
    act: ({ client, dom, until }) => until(ended, () => client.call.domainShutdownFlags({ dom, flags: 1 })),
    told: ["6/1", ended],
    state: "none",
  },
  {
    what: "create again",
    act: ({ client, xml }) => client.call.domainCreateXml({ xmlDesc: xml, flags: 0 }),
    told: [resumed, started],
    state: running,
  },
  {
    what: "save",
    act: ({ client, dom, file }) => client.call.domainSave({ dom, to: file }),
    told: [suspended, saved],
    state: "none",
  },
  {
    what: "restore",
    act: ({ client, file }) => client.call.domainRestore({ from: file }),
    told: ["2/2", "4/2"],
    state: running,
  },
  {
    what: "plug a disk in again",
    act: ({ client, dom, disk }) => client.call.domainAttachDeviceFlags({ dom, xml: disk, flags: 1 }),
    told: [],
    state: running,
    check: showsDisk(true),
  },
  {
    what: "take the disk away",
    act: ({ client, dom, disk }) => client.call.domainDetachDeviceFlags({ dom, xml: disk, flags: 1 }),
    told: [],
    state: running,
    check: showsDisk(false),
  },
  {
    what: "dump",
    act: ({ client, dom, file }) => client.call.domainCoreDump({ dom, to: `${file}.core`, flags: 16 }),
    told: [suspended, resumed],
    state: running,
  },
  {
    what: "destroy the transient one",
    act: ({ client, dom }) => client.call.domainDestroy({ dom }),
    told: ["6/2", destroyed],
    state: "none",
  },
];

const uri = "qemu:///system";
const daemonScript = fileURLToPath(new URL("./daemon-process.ts", import.meta.url));
const stepMs = 60_000;

/** The script, so many times over with so many guests at once. Returns what is not as it must be, in sentences. */
export async function runRounds(options: RoundsOptions): Promise<readonly string[]> {
  const directory = mkdtempSync(join(tmpdir(), "vwr-"));
  mkdirSync(join(directory, "saves"));
  const loop = openLoop();
  const found: string[] = [];
  try {
    await using life = new DaemonLife(join(directory, "sock"), uri, undefined, daemonScript);
    if (!(await life.serves())) return ["the daemon does not serve"];
    const history = new History((sentence) => found.push(sentence));
    {
      await using listening = await DaemonClient.open(loop, join(directory, "sock"), uri, (event) =>
        history.take(event),
      );
      await history.open(listening);
      await using client = await DaemonClient.open(loop, join(directory, "sock"), uri);
      let before: Leftovers | undefined;
      for (let round = 0; round < options.rounds && found.length === 0; round++) {
        const work = Array.from({ length: options.guests }, (_, index) =>
          playOnce(directory, client, history, index, found),
        );
        await Promise.all([...work, leaveSuddenly(loop, directory)]);
        const after = await leftovers(directory, life);
        before ??= after;
        compare(before, after, round, found);
        options.onRound?.(round + 1);
      }
    }
    const { code } = await life.end();
    if (code !== 0) found.push(`the daemon ends with ${code}`);
    for (const warning of life.warnings) found.push(`the daemon warns: ${warning}`);
    return found;
  } finally {
    for (const { pid } of findQemus(directory)) endProcess(pid);
    await loop.close();
    rmSync(directory, { recursive: true });
  }
}

/** A client that goes without a word, and had subscribed. */
async function leaveSuddenly(loop: Loop, directory: string): Promise<void> {
  await using client = await DaemonClient.open(loop, join(directory, "sock"), uri);
  for (const eventId of [0, 1, 7]) await client.call.connectDomainEventCallbackRegisterAny({ eventId, dom: null });
  await client.own.eventsOpen({ cursor: null, eventIds: [], dom: null });
}

async function playOnce(
  directory: string,
  client: DaemonClient,
  history: History,
  index: number,
  found: string[],
): Promise<void> {
  const dom = { name: `s${index}`, uuid: `33333333-4444-5555-6666-${String(index).padStart(12, "0")}`, id: -1 };
  const disk = bootable(join(directory, `${dom.name}.img`), powerOnButton);
  const xml = `<domain type='qemu'><name>${dom.name}</name><uuid>${dom.uuid}</uuid><memory unit='MiB'>16</memory>
    <os><type>hvm</type></os><features><acpi/></features>
    <devices>${disk}<controller type='scsi' model='virtio-scsi'/><memballoon model='none'/></devices></domain>`;
  const guest: QemuGuest = {
    client,
    history,
    dom,
    xml,
    file: join(directory, "saves", `${dom.name}.save`),
    disk: extraDisk(directory, dom.name),
    until: async (told, ask) => {
      const from = history.allOf(dom.uuid).length;
      for (const end = Date.now() + stepMs; Date.now() < end; await sleep(50)) {
        await ask().catch(() => {});
        await sleep(50);
        if (history.allOf(dom.uuid).slice(from).includes(told)) return;
      }
    },
  };
  const problem = await playScript(script, guest, { toldMs: 5_000 });
  if (problem !== undefined) found.push(problem);
}

function showsDisk(hasDisk: boolean): (guest: QemuGuest) => Promise<string | undefined> {
  return async ({ client, dom }) => {
    const { xml } = await client.call.domainGetXmlDesc({ dom, flags: 0 });
    return xml.includes("dev='sdx'") === hasDisk ? undefined : `its definition ${hasDisk ? "lacks" : "has"} the disk`;
  };
}

/** A disk that can be taken away from a guest that does not help. */
export function extraDisk(directory: string, name: string): string {
  const path = join(directory, `${name}-extra.img`);
  writeFileSync(path, Buffer.alloc(65_536));
  return `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${path}'/>
    <target dev='sdx' bus='scsi'/></disk>`;
}

interface Leftovers extends DaemonCounts {
  readonly qemus: number;
  readonly fds: number;
  readonly runFiles: readonly string[];
}

/** When all is quiet. */
async function leftovers(directory: string, life: DaemonLife): Promise<Leftovers> {
  const look = (): Omit<Leftovers, keyof DaemonCounts> => ({
    qemus: findQemus(directory).length,
    fds: readdirSync(`/proc/${life.pid}/fd`).length,
    runFiles: readdirSync(join(directory, "run")).filter((name) => !["lock", "autostarted", "format"].includes(name)),
  });
  for (const end = Date.now() + 2_000; Date.now() < end && look().runFiles.length > 0; ) await sleep(20);
  await sleep(100);
  return { ...look(), ...(await life.counts()) };
}

function compare(before: Leftovers, after: Leftovers, round: number, found: string[]): void {
  if (after.qemus > 0) found.push(`round ${round}: ${after.qemus} QEMUs are left`);
  for (const name of after.runFiles) found.push(`round ${round}: run/${name} is left`);
  for (const what of ["fds", "connections", "subscriptions", "registrations"] as const)
    if (after[what] > before[what])
      found.push(`round ${round}: the daemon has ${after[what]} ${what}, not ${before[what]}`);
}

/** Only what was found by its mark, and held before it is hit. */
function endProcess(pid: number): void {
  const process = openProcess(pid);
  process?.signal("SIGKILL");
  process?.close();
}
