import type { Definition } from "../model/index.ts";

/** The same guest by another name. */
export function withName(definition: Definition, name: string): Definition {
  return definition.with((root) => root.first("name")?.setText(name));
}
