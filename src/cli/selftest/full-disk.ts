import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const size = 1_048_576;
/** A real guest's image has more in it than this, and begins with less. A simulated guest's is small. */
const room: Readonly<Record<string, number>> = { TEST: 0 };
const roomOfOthers = 131_072;

/** A small disk that is full, in memory; gone when it is disposed of. */
export class FullDisk implements Disposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Below `directory`, for a hypervisor of that type. Undefined where none can be mounted: that takes root. */
  static mount(directory: string, type: string): FullDisk | undefined {
    const path = mkdtempSync(join(directory, "full-"));
    const options = `size=${size},mode=0777`;
    if (spawnSync("mount", ["-t", "tmpfs", "-o", options, "none", path]).status !== 0) {
      rmdirSync(path);
      return undefined;
    }
    writeFileSync(join(path, "ballast"), Buffer.alloc(size - (room[type] ?? roomOfOthers), 1));
    return new FullDisk(path);
  }

  [Symbol.dispose](): void {
    spawnSync("umount", ["-l", this.path]);
    rmdirSync(this.path);
  }
}
