import type { ReadOnlyRule } from "../procedure.ts";

/** The columns on access that many rows share; those of the others stand in the row. */
interface Access {
  readonly acl: string;
  readonly priority?: boolean;
  readonly readOnly: ReadOnlyRule;
}

/** Finds one object: for those who may know that it exists. */
export function lookup(object: string): Access {
  return { acl: `${object}:getattr`, priority: true, readOnly: "allowed" };
}

/** Lists or counts objects of a kind, or hears of them: each client gets those that it may know of. */
export function search(kind: string, object: string): Access {
  return { acl: `connect:search_${kind} |filter ${object}:getattr`, priority: true, readOnly: "allowed" };
}

/** Reads about an object. */
export function read(object: string): Access {
  return { acl: `${object}:read`, readOnly: "allowed" };
}

/** Reads about an object what is known without asking a guest or a disk. */
export function readKnown(object: string): Access {
  return { ...read(object), priority: true };
}

/** Right to change a running object, and to save when its definition is changed, as `flags` say. */
export function writeOrSave(object: string, affect = object.toUpperCase()): string {
  const config = `VIR_${affect}_AFFECT_CONFIG`;
  return `${object}:write ${object}:save:!${config}|VIR_${affect}_AFFECT_LIVE ${object}:save:${config}`;
}
