import { randomUUID } from "node:crypto";
import { accessSync, constants, existsSync } from "node:fs";
import { chown, mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { findUser, runProgram, type UserIdentity } from "../../os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Companion } from "./command-line/index.ts";
import { makeDirectory } from "./files.ts";
import type { CompanionLaunch } from "./host.ts";
import { letThrough } from "./run-record.ts";

export interface CompanionPlaces {
  /** The guest's. */
  readonly name: string;
  readonly logDir: string;
  /** As whom QEMU runs; undefined: as we do. */
  readonly client: UserIdentity | undefined;
}

const setupMs = 120_000;
const isRoot = process.getuid?.() === 0;

/** How to start companions, when all that they need is there. Rejects with VirError. */
export async function planCompanions(
  companions: readonly Companion[],
  { name, logDir, client }: CompanionPlaces,
): Promise<CompanionLaunch[]> {
  const launches: CompanionLaunch[] = [];
  for (const companion of companions) {
    checkProgram(companion.binary, companion);
    const { binary, args, socket, account } = companion;
    const user = account !== undefined && isRoot ? findUser(account) : undefined;
    await makeState(companion, user);
    const logPath = join(logDir, `${name}-${companion.name}.log`);
    launches.push({ name: companion.name, binary, args, socket, client, user, logPath });
  }
  return launches;
}

/** Under another name until it is whole: half of a TPM would be another TPM. */
async function makeState(companion: Companion, user: UserIdentity | undefined): Promise<void> {
  const { stateDirectory, setup } = companion;
  if (stateDirectory === undefined) return;
  if (!existsSync(stateDirectory)) {
    await openWay(dirname(stateDirectory));
    await removeUnfinished(stateDirectory);
    // Of its own: one that a daemon has left may still be at it.
    const unfinished = `${stateDirectory}.new-${randomUUID()}`;
    await makeDirectory(unfinished, user);
    if (setup !== undefined) {
      checkProgram(setup.binary, companion);
      await run(
        setup.binary,
        setup.args.map((word) => (word === stateDirectory ? unfinished : word)),
        user,
      );
    }
    await rename(unfinished, stateDirectory);
  }
  // The host may have made the account since.
  const { uid, gid } = user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const files = (await readdir(stateDirectory)).map((file) => join(stateDirectory, file));
  if (isRoot) for (const path of [stateDirectory, ...files]) await chown(path, uid, gid);
}

async function removeUnfinished(stateDirectory: string): Promise<void> {
  const parent = dirname(stateDirectory);
  for (const name of await readdir(parent))
    if (name.startsWith(`${basename(stateDirectory)}.new-`))
      await rm(join(parent, name), { recursive: true, force: true });
}

/** Of the guest, and that of all guests. */
async function openWay(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (isRoot) for (const path of [dirname(directory), directory]) letThrough(path);
}

async function run(binary: string, args: readonly string[], user: UserIdentity | undefined): Promise<void> {
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", HOME: user === undefined ? home() : "/" };
  const { code, signal, stdout, stderr } = await runProgram(binary, args, { timeoutMs: setupMs, env, user });
  if (code === 0) return;
  const words = `${stdout}${stderr}`.trim().split("\n").slice(-5).join("; ");
  const end = code === undefined ? `it was ended by ${signal}` : `exitstatus: ${code}`;
  const detail = `Could not run '${binary}'. ${end}; ${words}`;
  throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
}

function home(): string {
  return process.env["HOME"] ?? "/";
}

function checkProgram(path: string, { packages }: Companion): void {
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    const { errno = -2, code } = error as NodeJS.ErrnoException;
    const reason = code === "EACCES" ? "Permission denied" : "No such file or directory";
    const detail = `Cannot run ${path}: ${reason}; install it with: sudo apt-get install ${packages}`;
    throw VirError.system(ErrorDomain.qemu, -errno, detail, error);
  }
}
