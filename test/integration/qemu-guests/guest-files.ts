import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scope } from "./scope.ts";
import { listenerThere } from "./wait.ts";

const sizes: Readonly<Record<string, number>> = {
  "a.raw": 8 << 20,
  "b.raw": 8 << 20,
  "d.iso": 1 << 20,
  "f.img": 1440 << 10,
  "nv.img": 128 << 20,
};

/** Makes the files that a definition names: images with nothing in them. */
export function makeGuestFiles(xml: string, directory: string): void {
  const isNamed = (name: string): boolean => xml.includes(`$DIR/${name}`);
  for (const name of Object.keys(sizes)) if (isNamed(name)) makeRaw(directory, name);
  mkdirSync(join(directory, "share"));
  mkdirSync(join(directory, "state"));
  if (isNamed("c.qcow2")) createImage(directory, "c.qcow2");
  if (isNamed("top.qcow2")) {
    createImage(directory, "base.qcow2");
    createImage(directory, "mid.qcow2", "-b", "base.qcow2", "-F", "qcow2");
    createImage(directory, "top.qcow2", "-b", "mid.qcow2", "-F", "qcow2");
  }
  if (isNamed("luks.qcow2")) createEncryptedImage(directory);
}

function makeRaw(directory: string, name: string): void {
  writeFileSync(join(directory, name), "");
  truncateSync(join(directory, name), sizes[name] ?? 0);
}

function createImage(directory: string, name: string, ...args: string[]): void {
  const words = ["create", "-q", "-f", "qcow2", ...args, join(directory, name), "8M"];
  execFileSync("qemu-img", words, { timeout: 30_000 });
}

function createEncryptedImage(directory: string): void {
  writeFileSync(join(directory, "secret"), "the secret passphrase disk", { mode: 0o600 });
  const secret = `secret,id=s,file=${join(directory, "secret")}`;
  // The cheapest key derivation that there is: the point is that the key is the right one.
  const options = "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10";
  createImage(directory, "luks.qcow2", "--object", secret, "-o", options);
}

/** Copies the variables' template, as whoever starts a guest does. */
export function makeVariables(path: string, template: string | undefined): void {
  if (template !== undefined && !existsSync(path)) copyFileSync(template, path);
}

/** Serves an image by NBD on a socket. */
export async function serveNbd(directory: string, scope: Scope): Promise<void> {
  const socket = join(directory, "nbd.sock");
  makeRaw(directory, "a.raw");
  const args = ["--persistent", "--export-name=exp", "--format=raw", `--socket=${socket}`, join(directory, "a.raw")];
  const server = spawn("qemu-nbd", args, { stdio: "ignore" });
  scope.endProcess(server);
  await listenerThere(socket);
}
