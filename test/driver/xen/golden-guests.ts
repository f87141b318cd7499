import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Guests as they were given to libvirt's own Xen driver (libvirt 9.0, Xen 4.17), as it showed them then, `NAME.defined.xml`,
 * and what it gave libxl for them, `NAME.json`; the last is missing where it refused to start them.
 */
const directory = fileURLToPath(new URL("golden", import.meta.url));

export const goldenNames: readonly string[] = readdirSync(directory)
  .filter((name) => name.endsWith(".defined.xml"))
  .map((name) => name.slice(0, -".defined.xml".length));

export function given(name: string): string {
  return read(`${name}.xml`);
}

export function defined(name: string): string {
  return read(`${name}.defined.xml`);
}

export function configured(name: string): string | undefined {
  return existsSync(join(directory, `${name}.json`)) ? read(`${name}.json`) : undefined;
}

function read(name: string): string {
  return readFileSync(join(directory, name), "utf8");
}
