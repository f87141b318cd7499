import {
  chmodSync,
  closeSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { StateError } from "../../event/index.ts";
import { Definition, type DomainStatus } from "../../model/index.ts";
import { createSocketFile, type ProcessIdentity } from "../../os/index.ts";
import { memoryDirectory } from "./command-line/index.ts";
import type { DeviceInTransit } from "./device-transit.ts";

/** Something that takes long and is done to a run: whoever finds the run without its daemon has to put an end to it. */
export interface UnfinishedJob {
  readonly kind: "save" | "dump";
  /** Of the file that is being written. */
  readonly path: string;
  /** What is in the file is of this job; before, it may be of whatever was there. */
  readonly isBegun: boolean;
  /** The guest was paused for it. */
  readonly wasRunning: boolean;
  /** QEMU's memory goes into the file by a migration, not by a dump. */
  readonly byMigration: boolean;
}

/** What is needed to find a companion again. */
export interface CompanionRecord {
  readonly name: string;
  readonly socket: string;
  /** Absent until the process exists. */
  readonly process?: ProcessIdentity | undefined;
}

/** How a run ends, once that is decided: numbers of DomainReason.shutoff and of Lifecycle.stopped. */
export interface RunEnding {
  readonly reason: number;
  readonly detail: number;
}

/** What is needed to find a running guest again after the daemon has gone and come back. */
export interface RunRecord {
  readonly id: number;
  /** Absent from the decision to start until the process exists, and when the machine has booted since. */
  readonly process?: ProcessIdentity | undefined;
  readonly status: DomainStatus;
  readonly definition: Definition;
  /** Absent: none. They are none any more when the machine has booted since. */
  readonly companions?: readonly CompanionRecord[] | undefined;
  readonly job?: UnfinishedJob | undefined;
  readonly ending?: RunEnding | undefined;
  /** Devices that QEMU may have or not, other than the definition says. */
  readonly transit?: readonly DeviceInTransit[] | undefined;
  /** When the guest powers off next it is reset, as that is what somebody has asked for. */
  readonly rebootsOnPowerOff?: boolean | undefined;
  /** Where the journal stood when the run began: its end is told behind that, or not yet. */
  readonly since?: number | undefined;
}

/**
 * The files of running guests: `UUID.json` in one directory, and the socket `UUID.monitor` and what is in `UUID` and
 * `UUID.channels` in the same or, where that is too deep for sockets, in another. The record is there before the process
 * is, and goes after it. Nothing has to reach the disk, as no guest outlives a boot; but a record is replaced at once or
 * not at all.
 *
 *     open -> closed
 *
 * While it is open the directories are this driver's alone: two would fight for the monitors. The lock is a socket that
 * listens, so that it goes with the process, however that ends.
 */
export class RunRecords {
  readonly #directory: string;
  readonly #monitorDirectory: string;
  readonly #lock: { readonly fd: number };
  /** A process is known by its number and start time within one boot only. */
  readonly #boot = bootId();
  #closed = false;

  /**
   * Makes the directories where they are missing; `letsThrough`: other users, whom some guests run as, come as far as what is
   * theirs, and see nothing else. Throws StateError when another driver has them.
   */
  constructor(directory: string, monitorDirectory: string = directory, letsThrough = false) {
    this.#directory = directory;
    this.#monitorDirectory = monitorDirectory;
    for (const path of [directory, monitorDirectory]) mkdirSync(path, { recursive: true, mode: 0o700 });
    if (letsThrough) letThrough(monitorDirectory);
    this.#lock = createSocketFile(join(monitorDirectory, "lock"), { mode: 0o600 });
  }

  monitorPath(uuid: string): string {
    return join(this.#monitorDirectory, `${uuid}.monitor`);
  }

  /** Where a guest's memory and the sockets of what serves it are; goes with the guest. */
  guestDirectory(uuid: string): string {
    return join(this.#monitorDirectory, uuid);
  }

  /** Where the sockets of a guest's channels are; goes with the guest. */
  channelDirectory(uuid: string): string {
    return join(this.#monitorDirectory, `${uuid}.channels`);
  }

  /** Throws StateError when there is a record, hence perhaps a QEMU, that nobody has taken up. */
  checkFree(uuid: string): void {
    const path = this.#path(uuid);
    if (!existsSync(path)) return;
    throw new StateError(`${path} is of a guest that may still be running: end its QEMU, then remove the file`);
  }

  write({ definition, ...record }: RunRecord): void {
    const path = this.#path(definition.uuid);
    const text = JSON.stringify({ ...record, boot: this.#boot, xml: definition.toXml() });
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** The guest is gone: its files too. */
  remove(uuid: string): void {
    rmSync(this.monitorPath(uuid), { force: true });
    const own = this.guestDirectory(uuid);
    for (const directory of [this.channelDirectory(uuid), join(own, memoryDirectory), own]) removeOwned(directory);
    rmSync(this.#path(uuid), { force: true });
  }

  /**
   * All records; what cannot be read is told to `unreadable` and left alone. What a sudden end has left of one that was
   * being written or removed goes.
   */
  readAll(unreadable: (path: string, error: Error) => void): RunRecord[] {
    const records: RunRecord[] = [];
    this.#sweep();
    for (const name of readdirSync(this.#directory)) {
      if (!name.endsWith(".json")) continue;
      const path = join(this.#directory, name);
      try {
        records.push(this.#parse(readFileSync(path, "utf8")));
      } catch (error) {
        unreadable(path, error as Error);
      }
    }
    return records;
  }

  /** Idempotent. */
  close(): void {
    if (!this.#closed) closeSync(this.#lock.fd);
    this.#closed = true;
  }

  #sweep(): void {
    for (const name of readdirSync(this.#directory))
      if (name.endsWith(".json.new")) rmSync(join(this.#directory, name), { force: true });
    for (const name of readdirSync(this.#monitorDirectory)) {
      const uuid = /^(.{36})\.monitor$/.exec(name)?.[1];
      if (uuid !== undefined && !existsSync(this.#path(uuid))) rmSync(this.monitorPath(uuid), { force: true });
    }
  }

  #path(uuid: string): string {
    return join(this.#directory, `${uuid}.json`);
  }

  #parse(text: string): RunRecord {
    const { id, process, companions, status, boot, xml, ...rest } = JSON.parse(text) as Omit<
      RunRecord,
      "definition"
    > & {
      readonly boot: string;
      readonly xml: string;
    };
    if (!Number.isInteger(id) || !Number.isInteger(status?.state)) throw new Error("this is not the record of a guest");
    const definition = Definition.restore(xml);
    const isOfNow = boot === this.#boot;
    const running = { process: isOfNow ? process : undefined, companions: isOfNow ? companions : undefined };
    return { ...rest, ...running, id, status, definition };
  }
}

/** Of the time since the machine was booted. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Another QEMU of its owner's could change it while it is removed. */
function removeOwned(directory: string): void {
  if (process.getuid?.() === 0 && existsSync(directory)) lchownSync(directory, 0, 0);
  rmSync(directory, { recursive: true, force: true });
}

/** Everybody may go through a directory, and nobody but its owner sees what is in it. */
export function letThrough(directory: string): void {
  const { mode } = statSync(directory);
  chmodSync(directory, (mode & 0o7777) | 0o111);
}
