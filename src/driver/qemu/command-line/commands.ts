import type { JsonObject } from "../../../qmp/index.ts";
import { invalid } from "../errors.ts";
import { plain } from "./json.ts";
import type { Part, Properties } from "./part.ts";

/** A command as the monitor takes it. */
export interface MonitorCommand {
  readonly execute: string;
  readonly arguments: JsonObject;
}

/**
 * The command that makes a part in a running QEMU. Its descriptors must have been sent before, by `getfd`, under their
 * names. Throws VirError (operationInvalid) for what can be made at start alone.
 */
export function commandToAdd(part: Part): MonitorCommand {
  switch (part.kind) {
    case "object":
      return { execute: "object-add", arguments: named(part.properties) };
    case "secret": {
      const data = Buffer.from(part.bytes).toString("base64");
      return { execute: "object-add", arguments: { "qom-type": "secret", id: part.id, format: "base64", data } };
    }
    case "blockdev":
      return { execute: "blockdev-add", arguments: named(part.properties) };
    case "netdev":
      return { execute: "netdev_add", arguments: named(part.properties) };
    case "chardev":
      return { execute: "chardev-add", arguments: { id: part.id, backend: named(part.backend) } };
    case "device":
      return { execute: "device_add", arguments: named(part.properties) };
    case "command":
      return { execute: part.command.execute, arguments: named(part.command.arguments) };
    case "argument":
      throw invalid(`${part.words[0] ?? "this"} cannot be given to a QEMU that runs`);
  }
}

/**
 * The command that takes a part away again; parts go in the reverse of the order in which they came. Undefined where there
 * is nothing to take away. `device_del` is over with the event DEVICE_DELETED, not with its reply.
 */
export function commandToRemove(part: Part): MonitorCommand | undefined {
  switch (part.kind) {
    case "object":
      return { execute: "object-del", arguments: { id: part.properties.id } };
    case "secret":
      return { execute: "object-del", arguments: { id: part.id } };
    case "blockdev":
      return { execute: "blockdev-del", arguments: { "node-name": part.properties["node-name"] } };
    case "netdev":
      return { execute: "netdev_del", arguments: { id: part.properties.id } };
    case "chardev":
      return { execute: "chardev-remove", arguments: { id: part.id } };
    case "device":
      return { execute: "device_del", arguments: { id: part.properties.id } };
    case "command":
    case "argument":
      return undefined;
  }
}

/** Descriptors go by their names. */
function named(properties: Properties): JsonObject {
  return plain(properties, ({ requests }) => requests.map(({ name }) => name).join(":"));
}
