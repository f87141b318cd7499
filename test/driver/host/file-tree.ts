import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { HostFiles } from "../../../src/driver/host-files.ts";

/** A machine's files, as much of them as a test needs. */
export class FileTree implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "virtwright-host-"));
  readonly files = new HostFiles(this.root);

  /** Files by their names in a directory. */
  add(directory: string, files: Readonly<Record<string, string | Uint8Array>>): void {
    mkdirSync(join(this.root, directory), { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.root, directory, name)), { recursive: true });
      writeFileSync(join(this.root, directory, name), content);
    }
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    symlinkSync(relative(dirname(path), target), join(this.root, path));
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}
