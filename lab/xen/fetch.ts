import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { cacheDirectory, cached, keyOf } from "./cache.ts";
import { command } from "./command.ts";
import { guestModules, hostPrograms, kernelModules, kernelPackage, xenPackages } from "./packages.ts";

/**
 * Debian's packages, unpacked. `root` is laid over the machine's root in dom0; `xen`, `vmlinux` and `modules` are booted.
 */
export interface Packages {
  readonly key: string;
  readonly root: string;
  /** The hypervisor, a multiboot ELF. */
  readonly xen: string;
  /** The kernel as an ELF file, unpacked: Xen takes seconds to unpack one, and every guest with it would again. */
  readonly vmlinux: string;
  /** The same as boot loaders want it. */
  readonly vmlinuz: string;
  /** The folder with the modules of `kernelModules` and `guestModules`, as NAME.ko. */
  readonly modules: string;
}

/** Which set is in use: its key and, so that a changed list is noticed, what was asked for. */
const currentFile = join(cacheDirectory, "current.json");
const unpackedModules = [...new Set([...kernelModules, ...guestModules])].toSorted();
const wanted = JSON.stringify([xenPackages, kernelPackage, unpackedModules, "vmlinuz"]);

/** Why no lab can run on this machine, and what to do about it; undefined if nothing speaks against it. */
export function missingPrograms(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "the Xen lab needs Linux on x86-64";
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const missing = hostPrograms.filter(({ program }) => !folders.some((folder) => existsSync(join(folder, program))));
  if (missing.length === 0) return undefined;
  const names = missing.map(({ program }) => program).join(", ");
  return `the Xen lab needs ${names}: sudo apt-get install ${missing.map((each) => each.package).join(" ")}`;
}

/** What was fetched before; undefined when nothing was, or when the list of packages has changed since. */
export function fetchedPackages(): Packages | undefined {
  if (!existsSync(currentFile)) return undefined;
  const { key, list } = JSON.parse(readFileSync(currentFile, "utf8"));
  const folder = join(cacheDirectory, `packages-${key}`);
  return list === wanted && existsSync(folder) ? packagesIn(folder, key) : undefined;
}

/** Fetches the newest that apt knows of, 77 MB, unless it is there; apt has checked the signatures. */
export async function fetchPackages(): Promise<Packages> {
  mkdirSync(cacheDirectory, { recursive: true });
  const names = [...xenPackages, await currentKernel()];
  const key = keyOf(wanted, await command("apt-get", ["download", "--print-uris", ...names], cacheDirectory));
  const folder = await cached(`packages-${key}`, (directory) => unpackAll(names, directory));
  writeFileSync(`${currentFile}.${process.pid}`, JSON.stringify({ key, list: wanted }));
  renameSync(`${currentFile}.${process.pid}`, currentFile);
  return packagesIn(folder, key);
}

function packagesIn(folder: string, key: string): Packages {
  const at = (name: string): string => join(folder, name);
  return {
    key,
    root: at("root"),
    xen: at("xen"),
    vmlinux: at("vmlinux"),
    vmlinuz: at("vmlinuz"),
    modules: at("modules"),
  };
}

/** The kernel's package has a name of its own for every version. A new machine may have to ask for apt's lists first. */
async function currentKernel(): Promise<string> {
  const root = process.getuid?.() === 0;
  const name = (await dependencyOf(kernelPackage)) ?? (root ? await afterUpdate(kernelPackage) : undefined);
  if (name === undefined) throw new Error(`apt does not know ${kernelPackage}: sudo apt-get update`);
  return name;
}

async function afterUpdate(name: string): Promise<string | undefined> {
  await command("apt-get", ["update", "-q"], cacheDirectory);
  return dependencyOf(name);
}

async function dependencyOf(name: string): Promise<string | undefined> {
  // For an unknown package it prints nothing, or fails, as its version goes.
  const text = await command("apt-cache", ["depends", "--important", name], cacheDirectory).catch(() => "");
  return /Depends: (linux-image-\S+)/.exec(String(text))?.[1];
}

async function unpackAll(names: readonly string[], directory: string): Promise<void> {
  const downloads = join(directory, "downloads");
  mkdirSync(downloads);
  // As root apt would rather download as a user of its own, who cannot write here.
  await command("apt-get", ["download", "-q", "-o", "APT::Sandbox::User=root", ...names], downloads);
  mergeUsr(join(directory, "root"));
  for (const file of readdirSync(downloads)) {
    const kind = /^(linux-image|xen-hypervisor)?/.exec(file)?.[0];
    if (kind === "linux-image") await unpackKernel(join(downloads, file), directory);
    else if (kind === "xen-hypervisor") await unpackHypervisor(join(downloads, file), directory);
    else await unpack(join(downloads, file), join(directory, "root"), []);
  }
  rmSync(downloads, { recursive: true });
}

/** A folder `/lib` in the upper layer of dom0's root would hide the link `/lib` of the lower one. */
function mergeUsr(root: string): void {
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    mkdirSync(join(root, "usr", name), { recursive: true });
    symlinkSync(join("usr", name), join(root, name));
  }
}

async function unpack(file: string, into: string, tarArgs: readonly string[]): Promise<void> {
  mkdirSync(into, { recursive: true });
  const script =
    'set -o pipefail; dpkg-deb --fsys-tarfile "$1" | tar -x --no-same-owner --keep-directory-symlink "${@:2}"';
  await command("bash", ["-c", script, "unpack", file, ...tarArgs], into);
}

async function unpackHypervisor(file: string, directory: string): Promise<void> {
  await unpack(file, directory, ["--wildcards", "--strip-components=2", "./boot/xen-*.gz"]);
  const name = readdirSync(directory).find((each) => /^xen-.*\.gz$/.test(each));
  if (name === undefined) throw new Error(`there is no hypervisor in ${file}`);
  await command("gunzip", [name], directory);
  renameSync(join(directory, name.replace(/\.gz$/, "")), join(directory, "xen"));
}

async function unpackKernel(file: string, directory: string): Promise<void> {
  const modules = unpackedModules.map((name) => `*/${name}.ko`);
  const flat = "--transform=s,.*/,,";
  await unpack(file, join(directory, "modules"), ["--wildcards", flat, "./boot/vmlinuz-*", ...modules]);
  const name = readdirSync(join(directory, "modules")).find((each) => each.startsWith("vmlinuz-"));
  if (name === undefined) throw new Error(`there is no kernel in ${file}`);
  const image = join(directory, "modules", name);
  const payload = join(directory, "payload");
  writeFileSync(payload, payloadOf(readFileSync(image)));
  // The payload's length stands behind the stream, which is why more than one must not be looked for.
  writeFileSync(join(directory, "vmlinux"), await command("xz", ["-dc", "--single-stream", payload], directory));
  rmSync(payload);
  renameSync(image, join(directory, "vmlinuz"));
}

/** The packed ELF within a bzImage (Linux: Documentation/x86/boot.rst, payload_offset). */
function payloadOf(image: Buffer): Buffer {
  const setupSectors = image.readUInt8(0x1f1) || 4;
  const start = (setupSectors + 1) * 512 + image.readUInt32LE(0x248);
  return image.subarray(start, start + image.readUInt32LE(0x24c));
}
