import { closeSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Definition, type DomainStatus } from "../../model/index.ts";
import { createSocketFile } from "../../os/index.ts";

/** How a run ends, once that is decided: numbers of DomainReason.shutoff and of Lifecycle.stopped. */
export interface RunEnding {
  readonly reason: number;
  readonly detail: number;
}

/** How a run is to start. */
export interface RunStart {
  readonly paused: boolean;
  /** It goes on with a memory that was saved. */
  readonly isRestored: boolean;
}

/** What is needed to take up a running guest after the daemon has gone and come back: Xen knows the rest. */
export interface RunRecord {
  /** Xen's number; absent while the first domain of that guest is being built. */
  readonly id?: number | undefined;
  /** A domain is being built for it: one of its uuid and another number is half of one, and of no use. */
  readonly isBuilding?: boolean;
  readonly status: DomainStatus;
  readonly definition: Definition;
  /** Its domain is complete, and that it has started was not told: it is to be let go. */
  readonly start?: RunStart | undefined;
  /** It was paused when it started, and that is all that was told then. */
  readonly startedPaused?: boolean;
  /** A device was coming or going: whether it is there libxl knows. */
  readonly hasTransit?: boolean | undefined;
  /** Its domain was being destroyed for this reason. */
  readonly ending?: RunEnding | undefined;
  /** It was being saved: whoever finds it suspended knows that nobody waits for that. */
  readonly isSaving?: boolean;
  /** Others have made it. */
  readonly isForeign?: boolean;
  /** Where the journal stood when the run began: its end is told behind that, or not yet. */
  readonly since?: number | undefined;
}

/**
 * The files of running guests, `UUID.json` in one directory. Nothing has to reach the disk, as no guest outlives a boot; but
 * a record is replaced at once or not at all.
 *
 *     open -> closed
 *
 * While it is open the directory is this driver's alone: two would each take up every domain. The lock is a socket that
 * listens, so that it goes with the process, however that ends.
 */
export class RunRecords {
  readonly #directory: string;
  readonly #lock: { readonly fd: number };
  #closed = false;

  /** Makes the directory where it is missing. Throws StateError when another driver has it. */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#lock = createSocketFile(join(directory, "lock"), { mode: 0o600 });
  }

  write({ definition, ...record }: RunRecord): void {
    const path = this.#path(definition.uuid);
    writeFileSync(`${path}.new`, JSON.stringify({ ...record, xml: definition.toXml() }), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  remove(uuid: string): void {
    rmSync(this.#path(uuid), { force: true });
  }

  /** All records; what cannot be read is told to `unreadable` and left alone. */
  readAll(unreadable: (path: string, error: Error) => void): RunRecord[] {
    const records: RunRecord[] = [];
    for (const name of readdirSync(this.#directory)) {
      const path = join(this.#directory, name);
      if (name.endsWith(".json.new")) rmSync(path, { force: true });
      if (!name.endsWith(".json")) continue;
      try {
        records.push(parse(readFileSync(path, "utf8")));
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

  #path(uuid: string): string {
    return join(this.#directory, `${uuid}.json`);
  }
}

function parse(text: string): RunRecord {
  const { xml, ...rest } = JSON.parse(text) as Omit<RunRecord, "definition"> & { readonly xml: string };
  if (!Number.isInteger(rest.status?.state)) throw new Error("this is not the record of a guest");
  return { ...rest, definition: Definition.restore(xml) };
}
