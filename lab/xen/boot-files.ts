import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached, keyOf } from "./cache.ts";
import { command } from "./command.ts";
import { type ArchiveEntry, archive } from "./cpio.ts";
import type { Packages } from "./fetch.ts";
import { kernelModules } from "./packages.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const [directory, file, characterDevice] = [0o040755, 0o100644, 0o020600];
const executable = file | 0o111;

/** Builds dom0's initramfs: busybox, our init, and the modules on the way to the root. Resolves with its path. */
export async function initramfs(packages: Packages): Promise<string> {
  const init = readFileSync(here("dom0/init.sh"));
  const folder = await cached(`initramfs-${keyOf(packages.key, init)}`, async (into) => {
    const folders = ["bin", "dev", "host", "modules", "overlay", "proc", "root", "sys", "tools"];
    const entries: ArchiveEntry[] = [
      ...folders.map((path) => ({ path, mode: directory })),
      { path: "dev/console", mode: characterDevice, device: [5, 1] },
      { path: "bin/busybox", mode: executable, content: readFileSync(join(packages.root, "bin/busybox")) },
      { path: "init", mode: executable, content: init },
      { path: "modules/order", mode: file, content: Buffer.from(`${kernelModules.join("\n")}\n`) },
      ...kernelModules.map((name) => ({
        path: `modules/${name}.ko`,
        mode: file,
        content: readFileSync(join(packages.modules, `${name}.ko`)),
      })),
    ];
    writeFileSync(join(into, "initramfs"), archive(entries));
  });
  return join(folder, "initramfs");
}

/** Builds the small guest (guest/guest.c). Resolves with the path of its kernel. */
export async function guestKernel(packages: Packages): Promise<string> {
  const sources = ["guest/start.S", "guest/guest.c", "guest/guest.lds"].map(here);
  const key = keyOf(packages.key, compilerFlags.join(" "), ...sources.map((path) => readFileSync(path)));
  const folder = await cached(`guest-${key}`, async (into) => {
    mkdirSync(into, { recursive: true });
    const [start = "", guest = "", script = ""] = sources;
    const include = `-I${join(packages.root, "usr/include")}`;
    await command("gcc", [...compilerFlags, include, `-Wl,-T,${script}`, start, guest, "-o", "kernel"], into);
  });
  return join(folder, "kernel");
}

const compilerFlags = [
  ..."-O1 -Wall -Wextra -Werror -ffreestanding -nostdlib -static -fno-pic -no-pie -mcmodel=small -mno-red-zone".split(
    " ",
  ),
  ..."-mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables".split(" "),
  ..."-Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments".split(" "),
];
