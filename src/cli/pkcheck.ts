import { accessSync, constants } from "node:fs";
import type { Pkcheck } from "../daemon/index.ts";
import { runProgram } from "../os/index.ts";
import { UsageError } from "./usage-error.ts";

/** Where Debian has it. */
const place = "/usr/bin/pkcheck";

/** Asks polkit by its own program. Throws UsageError when it is not there. */
export function localPkcheck(path = place): Pkcheck {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    throw new UsageError(`polkit needs ${path}: install it with: sudo apt-get install polkitd`);
  }
  const bus = process.env["DBUS_SYSTEM_BUS_ADDRESS"];
  const env = { LC_ALL: "C", ...(bus !== undefined && { DBUS_SYSTEM_BUS_ADDRESS: bus }) };
  return async (args, timeoutMs, signal) => (await runProgram(path, args, { timeoutMs, signal, env })).code;
}
