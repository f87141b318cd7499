import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { isInstalled } from "../installed.ts";
import { UsageError } from "../usage-error.ts";
import type { RunOptions } from "./run-options.ts";

/** Programs that make CD images, and what each is told before the files. */
const makers: readonly (readonly [program: string, ...args: string[]])[] = [
  ["xorriso", "-as", "genisoimage"],
  ["genisoimage"],
  ["mkisofs"],
];

/** How long one may take. */
const makingMs = 30_000;

/**
 * Writes cloud-init's data as an image that its NoCloud source finds: https://cloudinit.readthedocs.io, "NoCloud". False
 * when the options ask for none. Rejects with UsageError when the program for it is missing.
 */
export async function writeSeed(options: RunOptions, path: string): Promise<boolean> {
  const { userData, sshKeys } = options;
  if (userData === undefined && sshKeys.length === 0) return false;
  const maker = makers.find(([program]) => isInstalled(program));
  if (maker === undefined)
    throw new UsageError(
      "cloud-init's data need a program for CD images; to install one: sudo apt-get install xorriso",
    );
  const directory = await mkdtemp(join(tmpdir(), "virtwright-seed-"));
  try {
    await writeFile(join(directory, "user-data"), userData ?? "#cloud-config\n{}\n");
    await writeFile(join(directory, "meta-data"), metaData(options));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const [program, ...first] = maker;
    const args = [...first, "-output", path, "-volid", "cidata", "-joliet", "-rock", "user-data", "meta-data"];
    await promisify(execFile)(program, args, { cwd: directory, timeout: makingMs });
    return true;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** JSON is YAML. A new instance runs anew what cloud-init does once for each; the same name is the same instance. */
function metaData({ name, sshKeys }: RunOptions): string {
  const label = name.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-");
  const keys = sshKeys.length === 0 ? {} : { "public-keys": sshKeys };
  return `${JSON.stringify({ "instance-id": `iid-${label}`, "local-hostname": label, ...keys })}\n`;
}
