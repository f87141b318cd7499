import { readFileSync } from "node:fs";
import { admin, keepalive, lxc, type Program, qemu, remote } from "../src/protocol/index.ts";
import { differences } from "./compare-protocol/differences.ts";
import { parseXFiles } from "./compare-protocol/x-file.ts";

/**
 * Compares the table of procedures with upstream's own description of the wire:
 *
 *     node tools/compare-protocol.ts remote_protocol.x qemu_protocol.x ...
 *
 * A file comes after those whose types it uses. Exit code 0: the same; 1: differences, printed; 2: nothing to compare.
 */
const programs: readonly Program[] = [remote, qemu, lxc, admin, keepalive];

function compare(paths: readonly string[]): number {
  const upstream = parseXFiles(paths.map((path) => readFileSync(path, "utf8")));
  const compared = programs.flatMap((program) => {
    const found = differences(program, upstream);
    return found === undefined ? [] : [{ program, found }];
  });
  for (const { program, found } of compared) {
    console.log(`${program.name}: ${found.length === 0 ? "the same" : `${found.length} differences`}`);
    for (const line of found) console.log(`  ${line}`);
  }
  if (compared.length === 0) throw new Error("no program of ours is in these files: name libvirt's *_protocol.x");
  return compared.some(({ found }) => found.length > 0) ? 1 : 0;
}

const paths = process.argv.slice(2);
try {
  if (paths.length === 0) throw new Error("usage: node tools/compare-protocol.ts FILE.x...");
  process.exitCode = compare(paths);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
