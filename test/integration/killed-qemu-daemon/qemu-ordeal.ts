import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Random } from "../../../fuzz/random.ts";
import type { Loop } from "../../../src/event/index.ts";
import { openLoop, openProcess } from "../../../src/os/index.ts";
import { DomainState } from "../../../src/protocol/index.ts";
import { DaemonClient } from "../killed-daemon/daemon-client.ts";
import { DaemonLife } from "../killed-daemon/daemon-life.ts";
import { History } from "../killed-daemon/history.ts";
import { findQemus } from "./qemu-processes.ts";
import { WorkingGuest } from "./working-guest.ts";

export interface QemuOrdealOptions {
  readonly kills: number;
  readonly seed: number;
  readonly guests?: number;
  /** From serving to the kill, at most. */
  readonly longestLifeMs: number;
  readonly onLife?: (outcome: QemuOutcome) => void;
}

export interface QemuOutcome {
  readonly kills: number;
  readonly confirmed: number;
  /** Calls that the kills have cut off. */
  readonly cut: number;
  readonly events: number;
  /** Runs that were found alive by the next daemon. */
  readonly survivors: number;
  readonly longestStartMs: number;
  readonly warnings: readonly string[];
  /** What failed because QEMU itself had crashed. */
  readonly crashes: readonly string[];
  /** What is not as it must be, in sentences. */
  readonly found: readonly string[];
}

const script = fileURLToPath(new URL("./daemon-process.ts", import.meta.url));
const uri = "qemu:///system";
/** Until all that a daemon has taken up is itself again. */
const settleMs = 20_000;
/**
 * QEMU 7.2 itself has been seen to end by SIGSEGV, once in 484 changes: as a guest went on it used an object that it had
 * freed. That is an end as any other, to be told once; more of them are a finding.
 */
const mostCrashes = 2;

/** Kills the daemon again and again while it starts, saves, dumps, ends, plugs and unplugs real guests. Stops where something is found. */
export async function endureWithGuests(options: QemuOrdealOptions): Promise<QemuOutcome> {
  const directory = mkdtempSync(join(tmpdir(), "vwk-"));
  const loop = openLoop();
  try {
    return await new QemuOrdeal(loop, directory, options).run();
  } finally {
    for (const { pid } of findQemus(directory)) endProcess(pid);
    await loop.close();
    rmSync(directory, { recursive: true });
  }
}

/** Only what was found by its mark, and held before it is hit. */
function endProcess(pid: number): void {
  const process = openProcess(pid);
  process?.signal("SIGKILL");
  process?.close();
}

class QemuOrdeal {
  readonly #loop: Loop;
  readonly #directory: string;
  readonly #options: QemuOrdealOptions;
  readonly #path: string;
  readonly #found: string[] = [];
  readonly #history: History;
  readonly #guests: readonly WorkingGuest[];
  readonly #counts = { kills: 0, confirmed: 0, cut: 0, survivors: 0, longestStartMs: 0 };
  readonly #warnings: string[] = [];
  readonly #crashes: string[] = [];

  constructor(loop: Loop, directory: string, options: QemuOrdealOptions) {
    this.#loop = loop;
    this.#directory = directory;
    this.#options = options;
    this.#path = join(directory, "sock");
    mkdirSync(join(directory, "saves"));
    const onFound = (sentence: string): void => void this.#found.push(sentence);
    this.#history = new History(onFound);
    this.#guests = Array.from({ length: options.guests ?? 8 }, (_, index) => {
      return new WorkingGuest({
        name: `g${index}`,
        uuid: `22222222-3333-4444-5555-${String(index).padStart(12, "0")}`,
        random: new Random(options.seed, 1_000_000 + index),
        saveFile: join(directory, "saves", `g${index}.save`),
        serialLog: join(directory, `g${index}.log`),
        imagePath: join(directory, `g${index}`),
        onFound,
        onCrash: (sentence) => {
          this.#crashes.push(sentence);
          if (this.#crashes.length > mostCrashes) this.#found.push(...this.#crashes);
        },
        onCall: (isConfirmed) => {
          if (isConfirmed) this.#counts.confirmed++;
        },
      });
    });
  }

  get #outcome(): QemuOutcome {
    const [warnings, crashes, found] = [this.#warnings, this.#crashes, this.#found];
    return { ...this.#counts, events: this.#history.length, warnings, crashes, found };
  }

  async run(): Promise<QemuOutcome> {
    while (this.#counts.kills < this.#options.kills && this.#found.length === 0) {
      await this.#live(new Random(this.#options.seed, this.#counts.kills));
      this.#options.onLife?.(this.#outcome);
    }
    if (this.#found.length === 0) await this.#endInOrder();
    return this.#outcome;
  }

  /** One life of the daemon, ended by a kill. */
  async #live(random: Random): Promise<void> {
    await using life = new DaemonLife(this.#path, uri, undefined, script);
    if (!(await life.serves())) {
      this.#found.push("the daemon does not serve");
      return;
    }
    await this.#with(async (client) => {
      await this.#settle(client);
      if (this.#counts.kills === 0) for (const guest of this.#guests) await guest.define(client);
      await this.#judge(client);
      if (this.#found.length > 0) return life.kill();
      const timer = setTimeout(() => life.kill(), random.below(this.#options.longestLifeMs));
      await Promise.all(this.#guests.map((guest) => guest.work(client)));
      if (this.#found.length > 0) life.kill();
      await life.ended;
      clearTimeout(timer);
    });
    this.#counts.kills++;
    this.#hear(life);
  }

  /** Everything goes, and then nothing is left. */
  async #endInOrder(): Promise<void> {
    await using life = new DaemonLife(this.#path, uri, undefined, script);
    if (!(await life.serves())) this.#found.push("the daemon does not serve any more");
    await this.#with(async (client) => {
      await this.#settle(client);
      await this.#judge(client);
      for (const { dom } of this.#guests) {
        const { active } = await client.call.domainIsActive({ dom });
        if (active === 1) await client.call.domainDestroy({ dom });
        await client.call.domainUndefineFlags({ dom, flags: 1 });
      }
      await this.#judgeFiles(new Set(), new Set());
      if (findQemus(this.#directory).length > 0) this.#found.push("a QEMU is left when all have ended");
    });
    const { code } = await life.end();
    if (code !== 0) this.#found.push(`the daemon ends with ${code}`);
    this.#hear(life);
  }

  async #with(use: (client: DaemonClient) => Promise<void>): Promise<void> {
    await using listening = await DaemonClient.open(this.#loop, this.#path, uri, (event) => this.#history.take(event));
    await this.#history.open(listening);
    await using client = await DaemonClient.open(this.#loop, this.#path, uri);
    await use(client);
  }

  /** Waits until what the daemon before has left is seen to: a job of each guest has its turn behind that. */
  async #settle({ call }: DaemonClient): Promise<void> {
    const { domains } = await call.connectListAllDomains({ needResults: 1, flags: 0 });
    const deadline = this.#loop.now() + settleMs;
    for (const dom of domains) {
      // Whatever it answers, it had its turn.
      await call.domainManagedSaveRemove({ dom: { ...dom, uuid: dom.uuid }, flags: 0 }).catch(() => {});
    }
    if (this.#loop.now() > deadline) this.#found.push(`what was left is not seen to within ${settleMs} ms`);
  }

  async #judge(client: DaemonClient): Promise<void> {
    // Records go when their ends are on their way to the readers.
    await sleep(100);
    const { position } = await client.own.snapshot({ start: 0n, limit: 1, stats: 0, withXml: false });
    await this.#history.reaches(position.sequence, AbortSignal.timeout(10_000));
    const qemus = findQemus(this.#directory);
    const running = new Set<string>();
    const saved = new Set<string>();
    for (const guest of this.#guests) {
      const { dom, uuid } = guest;
      const { state } = await client.call.domainGetState({ dom, flags: 0 });
      if (state !== DomainState.shutoff) running.add(uuid);
      if ((await client.call.domainHasManagedSaveImage({ dom, flags: 0 })).result === 1) saved.add(uuid);
      guest.judge(state, qemus, this.#history.of(uuid), this.#recordOf(uuid));
      if (state === DomainState.shutoff) continue;
      await guest.judgeDevices(client);
      const { type } = await client.call.domainGetJobInfo({ dom });
      if (type !== 0) this.#found.push(`${dom.name} has a job of type ${type} that nobody has begun`);
    }
    this.#counts.survivors += running.size;
    await this.#judgeFiles(running, saved);
  }

  /** Files belong to what runs, or to what is saved. */
  async #judgeFiles(running: ReadonlySet<string>, saved: ReadonlySet<string>): Promise<void> {
    for (const deadline = this.#loop.now() + 2_000; this.#loop.now() < deadline; await sleep(20))
      if (this.#runFiles().every(([uuid]) => running.has(uuid))) break;
    for (const [uuid, name] of this.#runFiles()) if (!running.has(uuid)) this.#found.push(`run/${name} is left`);
    for (const name of readdirSync(join(this.#directory, "state", "save")))
      if (!saved.has(name.replace(".save", ""))) this.#found.push(`save/${name} is left`);
  }

  #runFiles(): [uuid: string, name: string][] {
    return readdirSync(join(this.#directory, "run"))
      .filter((name) => !["lock", "autostarted", "format"].includes(name))
      .map((name) => [name.slice(0, 36), name]);
  }

  #recordOf(uuid: string): { pid: number } | undefined {
    try {
      return JSON.parse(readFileSync(join(this.#directory, "run", `${uuid}.json`), "utf8")).process;
    } catch {
      return undefined;
    }
  }

  #hear({ warnings, startMs = 0 }: DaemonLife): void {
    this.#warnings.push(...warnings);
    for (const each of warnings) this.#found.push(`the daemon warns: ${each}`);
    this.#counts.longestStartMs = Math.max(this.#counts.longestStartMs, startMs);
  }
}
