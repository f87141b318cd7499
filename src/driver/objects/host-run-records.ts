import { RecordStore } from "../../model/index.ts";
import type { ProcessIdentity } from "../../os/index.ts";

/** What is needed to find an active network or pool again, or to clean up after one that was half there. */
export interface HostRunRecord {
  readonly uuid: string;
  /** Only an active one is taken up again; of the others, whatever is there goes. */
  readonly phase: "changing" | "active";
  /** Of its dnsmasq; a pool has none. */
  readonly process?: ProcessIdentity | undefined;
  readonly xml: string;
}

interface StoredRun extends HostRunRecord {
  readonly boot: string;
}

/** The active networks or pools, a file `UUID.json` for each. A record is there before its bridge is, and goes after it. */
export class HostRunRecords {
  readonly #store: RecordStore;
  readonly #boot: string;
  readonly #report: (error: Error) => void;

  constructor(directory: string, boot: string, report: (error: Error) => void) {
    this.#store = new RecordStore(directory, ".json");
    this.#boot = boot;
    this.#report = report;
  }

  /** Those of this boot; what is older is removed. */
  async load(): Promise<readonly HostRunRecord[]> {
    const { records, unreadable } = await this.#store.load(parse);
    for (const { path, error } of unreadable) {
      this.#report(new Error(`${path} cannot be read: ${error.message}`, { cause: error }));
    }
    for (const { uuid, boot } of records) if (boot !== this.#boot) await this.#store.remove(uuid);
    return records.filter(({ boot }) => boot === this.#boot);
  }

  save(record: HostRunRecord): Promise<void> {
    return this.#store.save(record.uuid, `${JSON.stringify({ ...record, boot: this.#boot })}\n`);
  }

  remove(uuid: string): Promise<void> {
    return this.#store.remove(uuid);
  }
}

function parse(text: string, uuid: string): StoredRun {
  const { phase, process, xml, boot } = JSON.parse(text) as Partial<StoredRun>;
  if ((phase === "active" || phase === "changing") && typeof xml === "string" && typeof boot === "string") {
    return { uuid, phase, process, xml, boot };
  }
  throw new Error("this is not the record of something active");
}
