import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Definition, type DomainStatus } from "../../model/index.ts";
import type { ProcessIdentity } from "../../os/index.ts";

/** What is needed to find a running guest again after the daemon has gone and come back. */
export interface RunRecord {
  readonly id: number;
  /** Absent from the decision to start until the process exists. */
  readonly process?: ProcessIdentity | undefined;
  readonly status: DomainStatus;
  readonly definition: Definition;
}

/**
 * The files of running guests in one directory: `UUID.json` and `UUID.monitor`. The record is there before the process
 * is, and goes after it. The directory does not outlive a boot, so nothing has to reach the disk; but a record is
 * replaced at once or not at all.
 */
export class RunRecords {
  readonly #directory: string;

  /** Makes the directory where it is missing. */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  monitorPath(uuid: string): string {
    return join(this.#directory, `${uuid}.monitor`);
  }

  write({ definition, ...record }: RunRecord): void {
    const path = this.#path(definition.uuid);
    writeFileSync(`${path}.new`, JSON.stringify({ ...record, xml: definition.toXml() }), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** The guest is gone: its files too. */
  remove(uuid: string): void {
    rmSync(this.monitorPath(uuid), { force: true });
    rmSync(this.#path(uuid), { force: true });
  }

  /** All records; what cannot be read is told to `unreadable` and left alone. */
  readAll(unreadable: (path: string, error: unknown) => void): RunRecord[] {
    const records: RunRecord[] = [];
    for (const name of readdirSync(this.#directory)) {
      if (!name.endsWith(".json")) continue;
      const path = join(this.#directory, name);
      try {
        records.push(parse(readFileSync(path, "utf8")));
      } catch (error) {
        unreadable(path, error);
      }
    }
    return records;
  }

  #path(uuid: string): string {
    return join(this.#directory, `${uuid}.json`);
  }
}

function parse(text: string): RunRecord {
  const { id, process, status, xml } = JSON.parse(text) as Omit<RunRecord, "definition"> & { readonly xml: string };
  if (!Number.isInteger(id) || !Number.isInteger(status?.state)) throw new Error("this is not the record of a guest");
  return { id, process, status, definition: Definition.parse(xml) };
}
