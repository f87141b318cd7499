import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const definitions = new URL("xml/", import.meta.url);

/** Makes the directory anew that a script is run in: definitions, in which PLACE is that directory, and images. */
export function prepare(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o755 });
  for (const name of readdirSync(definitions)) {
    const text = readFileSync(new URL(name, definitions), "utf8");
    writeFileSync(join(directory, name), text.replaceAll("PLACE", directory));
  }
  for (const name of ["raw.img", "second.img"]) {
    writeFileSync(join(directory, name), "");
    truncateSync(join(directory, name), 1024 * 1024);
  }
  // An optical disc of one block that says nothing.
  for (const name of ["one.iso", "two.iso"]) writeFileSync(join(directory, name), Buffer.alloc(65_536));
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", join(directory, "disk.qcow2"), "4M"]);
}
