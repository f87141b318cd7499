import type { TagSource } from "./tag-changes.ts";

type Definitions = readonly (readonly string[])[];

/** More than that have gone unheard. */
const limit = 10_000;

/** The tags of domains; of one that has just gone, those that it had: who could see it hears that it is gone. */
export class KnownTags {
  readonly #bySource = new WeakMap<TagSource, Map<string, Definitions>>();

  /** Undefined where nobody knows. */
  of(source: TagSource, uuid: string): Definitions | undefined {
    const known = this.#bySource.get(source) ?? new Map<string, Definitions>();
    this.#bySource.set(source, known);
    const tags = source.tagsOf?.(uuid) ?? [];
    if (tags.length === 0) return known.get(uuid);
    // The last that was asked for is the last to be forgotten.
    known.delete(uuid);
    known.set(uuid, tags);
    const [oldest] = known.keys();
    if (known.size > limit && oldest !== undefined) known.delete(oldest);
    return tags;
  }
}
