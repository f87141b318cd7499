import { access, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { StateError } from "../event/index.ts";
import { Definition } from "./definition.ts";

/** A file that holds no definition. It stays where it is, and is never written over. */
export interface Unreadable {
  readonly path: string;
  readonly error: Error;
}

/**
 * Persistent definitions, a file for each: `UUID.xml` in one directory.
 *
 * A file is written under another name, brought to the disk, renamed, and the directory brought to the disk: whatever
 * happens when, there is the old definition or the new one. The caller has one change at a time under way for a domain.
 */
export class DefinitionStore {
  readonly directory: string;
  /** Of what could not be read: not ours to replace. */
  readonly #foreign = new Set<string>();

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Makes the directory where it is missing, and reads all there is. Rejects with Node's error when it cannot. */
  async load(): Promise<{ definitions: Definition[]; unreadable: Unreadable[] }> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const definitions: Definition[] = [];
    const unreadable: Unreadable[] = [];
    for (const name of (await readdir(this.directory)).sort()) {
      if (!name.endsWith(".xml")) continue;
      const path = join(this.directory, name);
      try {
        definitions.push(await read(path));
      } catch (error) {
        unreadable.push({ path, error: error as Error });
        this.#foreign.add(path);
      }
    }
    return { definitions, unreadable };
  }

  /** Rejects with StateError over a file that could not be read, and with Node's error (ENOSPC) when writing fails. */
  async save(definition: Definition): Promise<void> {
    const path = this.#pathOf(definition.uuid);
    if (this.#foreign.has(path) && (await exists(path)))
      throw new StateError(`${path} could not be read: move it away, then define again`);
    const temporary = `${path}.new`;
    try {
      await write(temporary, definition.toXml());
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await sync(this.directory);
  }

  /** Nothing when there is none. Rejects with Node's error. */
  async remove(uuid: string): Promise<void> {
    await rm(this.#pathOf(uuid), { force: true });
    await sync(this.directory);
  }

  #pathOf(uuid: string): string {
    return join(this.directory, `${uuid}.xml`);
  }
}

async function read(path: string): Promise<Definition> {
  const definition = Definition.parse(await readFile(path, "utf8"));
  if (`${definition.uuid}.xml` === basename(path)) return definition;
  throw new Error(`the definition in ${path} has another uuid: rename the file to ${definition.uuid}.xml`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
}

async function write(path: string, text: string): Promise<void> {
  await using file = await open(path, "w", 0o600);
  await file.writeFile(text);
  await file.sync();
}

async function sync(directory: string): Promise<void> {
  await using handle = await open(directory, "r");
  await handle.sync();
}
