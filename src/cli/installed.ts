import { existsSync } from "node:fs";
import { join } from "node:path";

/** Whether a program of this name is to be found. */
export function isInstalled(program: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((directory) => existsSync(join(directory, program)));
}
