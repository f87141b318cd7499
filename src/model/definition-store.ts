import { Definition } from "./definition.ts";
import { RecordStore, type Unreadable } from "./record-store.ts";

/** Persistent definitions, a file for each: `UUID.xml` in one directory. What RecordStore says holds here. */
export class DefinitionStore {
  readonly #records: RecordStore;

  constructor(directory: string) {
    this.#records = new RecordStore(directory, ".xml");
  }

  get directory(): string {
    return this.#records.directory;
  }

  async load(): Promise<{ definitions: Definition[]; unreadable: Unreadable[] }> {
    const { records, unreadable } = await this.#records.load(read);
    return { definitions: records, unreadable };
  }

  save(definition: Definition): Promise<void> {
    return this.#records.save(definition.uuid, definition.toXml());
  }

  remove(uuid: string): Promise<void> {
    return this.#records.remove(uuid);
  }
}

function read(text: string, name: string): Definition {
  const definition = Definition.restore(text);
  if (definition.uuid === name) return definition;
  throw new Error(`the definition has another uuid than its file: rename it to ${definition.uuid}.xml`);
}
