import { RecordStore } from "../../model/index.ts";

/** A persistent object as it is kept. */
export interface HostObjectRecord {
  readonly uuid: string;
  readonly autostart: boolean;
  readonly xml: string;
}

/** The persistent networks or pools: a file `UUID.json` for each. What RecordStore says holds here. */
export class HostObjectRecords {
  readonly #store: RecordStore;
  readonly #report: (error: Error) => void;

  /** `report` hears of files that cannot be read. */
  constructor(directory: string, report: (error: Error) => void) {
    this.#store = new RecordStore(directory, ".json");
    this.#report = report;
  }

  async load(): Promise<readonly HostObjectRecord[]> {
    const { records, unreadable } = await this.#store.load(parse);
    for (const { path, error } of unreadable) {
      this.#report(new Error(`${path} cannot be read: ${error.message}`, { cause: error }));
    }
    return records;
  }

  save({ uuid, ...rest }: HostObjectRecord): Promise<void> {
    return this.#store.save(uuid, `${JSON.stringify(rest)}\n`);
  }

  remove(uuid: string): Promise<void> {
    return this.#store.remove(uuid);
  }
}

function parse(text: string, uuid: string): HostObjectRecord {
  const { autostart, xml } = JSON.parse(text) as Partial<HostObjectRecord>;
  if (typeof autostart !== "boolean" || typeof xml !== "string") throw new Error("this is not the record of an object");
  return { uuid, autostart, xml };
}
