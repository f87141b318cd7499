import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { arch as hostArch } from "node:os";
import { promisify } from "node:util";
import type { Definition } from "../../model/index.ts";
import { ErrorDomain, VirError } from "../../protocol/index.ts";

/** The machine's architecture, in libvirt's words. */
export function localArch(): string {
  const names: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };
  return names[hostArch()] ?? hostArch();
}

/** Debian's package for each architecture that one may run. */
export const packages: Readonly<Record<string, string>> = {
  x86_64: "qemu-system-x86",
  i686: "qemu-system-x86",
  aarch64: "qemu-system-arm",
};

/** Where Debian has it. */
export const virtiofsdPath = "/usr/lib/qemu/virtiofsd";

/** The QEMU to start a definition with. Throws VirError, which says how to install it, when it is missing. */
export function findBinary(definition: Definition): string {
  const arch = definition.root.find("os", "type")?.attribute("arch") ?? localArch();
  const path = definition.textOf("devices", "emulator") ?? defaultPath(arch);
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch (error) {
    const { errno = -2, code } = error as NodeJS.ErrnoException;
    const reason = code === "EACCES" ? "Permission denied" : "No such file or directory";
    const advice = `install it with: sudo apt-get install ${packages[arch]}`;
    throw VirError.system(ErrorDomain.qemu, -errno, `Cannot check QEMU binary ${path}: ${reason}; ${advice}`, error);
  }
}

/** major * 1,000,000 + minor * 1,000 + release, of the machine's own architecture; 0 when QEMU is not there. */
export async function binaryVersion(): Promise<bigint> {
  try {
    const { stdout } = await promisify(execFile)(defaultPath(localArch()), ["--version"], { timeout: 10_000 });
    const [, major, minor, release] = /version (\d+)\.(\d+)\.(\d+)/.exec(stdout) ?? [];
    return BigInt(major ?? 0) * 1_000_000n + BigInt(minor ?? 0) * 1000n + BigInt(release ?? 0);
  } catch {
    return 0n;
  }
}

export function defaultPath(arch: string): string {
  return `/usr/bin/qemu-system-${arch === "i686" ? "i386" : arch}`;
}
