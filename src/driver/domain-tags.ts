import type { Definition } from "../model/index.ts";
import type { Element } from "../xml/index.ts";

/** Of the element in a domain's metadata that has its tags: `<access xmlns='...'><tag>web</tag></access>`. */
export const tagNamespace = "https://virtwright.dev/xmlns/access/1";

/** Each once, in their order. */
export function tagsIn(domain: Element): readonly string[] {
  const own = domain
    .all("metadata")
    .flatMap((metadata) => metadata.elements())
    .filter(({ uri, localName }) => uri === tagNamespace && localName === "access");
  // libvirt's clients set what is inside without a namespace.
  const tags = own
    .flatMap((access) => access.elements())
    .filter(({ uri, localName }) => localName === "tag" && (uri === tagNamespace || uri === ""));
  return [...new Set(tags.map(({ text }) => text.trim()).filter((tag) => tag !== ""))];
}

const known = new WeakMap<Definition, readonly string[]>();

/** Of each definition that there is. */
export function tagsOfAll(...definitions: readonly (Definition | undefined)[]): readonly (readonly string[])[] {
  return definitions.filter((each) => each !== undefined).map(tagsOfOne);
}

function tagsOfOne(definition: Definition): readonly string[] {
  let tags = known.get(definition);
  if (tags === undefined) {
    // Most have none, and need not be read for that: as we write it a namespace stands there as it is.
    tags = definition.toXml().includes(tagNamespace) ? tagsIn(definition.root) : [];
    known.set(definition, tags);
  }
  return tags;
}
