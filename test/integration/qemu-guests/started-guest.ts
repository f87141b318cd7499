import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GuestPlan } from "../../../src/driver/qemu/command-line/index.ts";
import { createSocketFile } from "../../../src/os/index.ts";
import { makeVariables } from "./guest-files.ts";
import type { Scope } from "./scope.ts";
import { ShortMonitor } from "./short-monitor.ts";

export const qemu = "/usr/bin/qemu-system-x86_64";

/** Starts QEMU with all that the plan asks for, and says what has to be said before the guest runs. */
export async function startGuest(plan: GuestPlan, directory: string, scope: Scope): Promise<ShortMonitor> {
  const { variables, companions } = plan;
  mkdirSync(join(directory, "memory"), { recursive: true });
  if (variables !== undefined) makeVariables(variables.path, variables.template);
  for (const companion of companions) startCompanion(companion, scope);
  const socket = createSocketFile(join(directory, "monitor"));
  const log = join(directory, "qemu.log");
  const files = [openSync(log, "a"), ...plan.descriptors.map(({ name, opening }) => openFor(name, opening, directory))];
  const opened = scopeOf(files);
  const process = spawnQemu(plan, [socket.fd, ...files.slice(1)], files[0] ?? 1);
  scope.endProcess(process);
  closeSync(socket.fd);
  opened();
  try {
    const monitor = await ShortMonitor.open(join(directory, "monitor"));
    scope.add(() => monitor.close());
    for (const { execute, arguments: args } of plan.commands) await monitor.execute(execute, args);
    return monitor;
  } catch (error) {
    throw new Error(`${(error as Error).message}; QEMU says: ${readFileSync(log, "utf8").trim()}`, { cause: error });
  }
}

function scopeOf(files: readonly (number | "tap")[]): () => void {
  return () => {
    for (const file of files) if (typeof file === "number") closeSync(file);
  };
}

/** Node cannot open a tap device; Python can, in the place of QEMU before it becomes it. */
const opener = `
import fcntl, os, struct, sys
for request in sys.argv[1].split(";"):
    number, flags, name = request.split(":")
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", name.encode(), int(flags)))
    os.dup2(fd, int(number))
    os.set_inheritable(int(number), True)
os.execv(sys.argv[2], sys.argv[2:])
`;

function spawnQemu(plan: GuestPlan, files: readonly (number | "tap")[], log: number | "tap"): ChildProcess {
  const output = log === "tap" ? "ignore" : log;
  const stdio = ["ignore", output, output, ...files.map((file) => (file === "tap" ? "ignore" : file))] as const;
  const taps = plan.descriptors.flatMap(({ name, opening }, place) => {
    if (opening.kind !== "tap") return [];
    const flags = 0x0002 | 0x1000 | (opening.hasHeader ? 0x4000 : 0) | (opening.isMultiQueue ? 0x0100 : 0);
    // The queues of one device have its name in common.
    return [`${place + 4}:${flags}:vw${process.pid}${name.replace(/-\d+$/, "")}`];
  });
  const options = { stdio: [...stdio], env: { PATH: "/usr/bin:/bin", ...plan.environment } };
  if (taps.length === 0) return spawn(qemu, plan.args, options);
  return spawn("python3", ["-c", opener, taps.join(";"), qemu, ...plan.args], options);
}

function openFor(
  name: string,
  opening: GuestPlan["descriptors"][number]["opening"],
  directory: string,
): number | "tap" {
  if (opening.kind === "tap") return "tap";
  if (opening.kind !== "secret") return openSync("/dev/vhost-vsock", "r+");
  const path = join(directory, `${name}.secret`);
  writeFileSync(path, opening.bytes, { mode: 0o600 });
  return openSync(path, "r");
}

function startCompanion(companion: GuestPlan["companions"][number], scope: Scope): void {
  const { binary, args, socket, stateDirectory } = companion;
  if (stateDirectory !== undefined) mkdirSync(stateDirectory, { recursive: true });
  const listening = createSocketFile(socket, { isBlocking: true });
  const process = spawn(binary, args, { stdio: ["ignore", "ignore", "ignore", listening.fd] });
  closeSync(listening.fd);
  process.on("error", () => {});
  scope.endProcess(process);
}
