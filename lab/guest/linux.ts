import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached, keyOf } from "../xen/cache.ts";
import { command } from "../xen/command.ts";
import { archive } from "../xen/cpio.ts";
import type { Packages } from "../xen/fetch.ts";
import { guestModules } from "../xen/packages.ts";

/** A Linux that boots within seconds without KVM: Debian's kernel, busybox, a shell on the serial console. */
export interface SmallLinux {
  /** With an entry for QEMU's direct boot, unpacked: that saves seconds. */
  readonly kernel: string;
  /** As boot loaders want it. */
  readonly packedKernel: string;
  readonly initrd: string;
}

/** What it prints when its shell is there; a prompt follows. */
export const readyLine = "guest is ready";
export const prompt = "guest# ";

const [directory, file, characterDevice] = [0o040755, 0o100644, 0o020600];
const executable = file | 0o111;
const initFile = fileURLToPath(new URL("init.sh", import.meta.url));

/** Builds it, unless it is in the cache. */
export async function smallLinux(packages: Packages): Promise<SmallLinux> {
  const init = readFileSync(initFile);
  const folder = await cached(`guest-linux-${keyOf(packages.key, init)}`, async (into) => {
    const content = (path: string): Buffer => readFileSync(path);
    const initrd = archive([
      ...["bin", "dev", "modules"].map((path) => ({ path, mode: directory })),
      { path: "dev/console", mode: characterDevice, device: [5, 1] },
      { path: "bin/busybox", mode: executable, content: content(join(packages.root, "bin/busybox")) },
      { path: "init", mode: executable, content: init },
      { path: "modules/order", mode: file, content: Buffer.from(`${guestModules.join("\n")}\n`) },
      ...guestModules.map((name) => ({
        path: `modules/${name}.ko`,
        mode: file,
        content: content(join(packages.modules, `${name}.ko`)),
      })),
    ]);
    writeFileSync(join(into, "initrd"), initrd);
  });
  return { kernel: packages.vmlinux, packedKernel: packages.vmlinuz, initrd: join(folder, "initrd") };
}

/** Programs that `diskImage` runs, and the packages that have them. */
export const diskPrograms = { syslinux: "syslinux", mformat: "mtools", "qemu-img": "qemu-utils" };

/** Writes a qcow2 image at `path` from which a BIOS boots that Linux, its console on the serial port. */
export async function diskImage(linux: SmallLinux, path: string): Promise<void> {
  const raw = `${path}.raw`;
  const menu = `${path}.cfg`;
  writeFileSync(raw, "");
  writeFileSync(
    menu,
    "SERIAL 0 115200\nDEFAULT linux\nLABEL linux\nKERNEL vmlinuz\nINITRD initrd\nAPPEND console=ttyS0 quiet\n",
  );
  const into = ".";
  const run = (program: string, ...args: string[]): Promise<unknown> => command(program, args, into);
  await run("truncate", "--size=64M", raw);
  await run("mformat", "-i", raw, "-h", "16", "-s", "63", "-t", "130", "::");
  await run("mcopy", "-i", raw, linux.packedKernel, "::vmlinuz");
  await run("mcopy", "-i", raw, linux.initrd, "::initrd");
  await run("mcopy", "-i", raw, menu, "::syslinux.cfg");
  await run("syslinux", "--install", raw);
  await run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path);
  await run("rm", raw, menu);
}
