import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guestKernel, initramfs } from "./boot-files.ts";
import { cacheDirectory, checkout } from "./cache.ts";
import { fetchedPackages, fetchPackages, missingPrograms } from "./fetch.ts";
import { GrowingFile } from "./growing-file.ts";
import { Machine, type MachineOptions } from "./machine.ts";

export interface LabOptions extends MachineOptions {
  /** From the start of the machine to its end; after that it is killed. Default 600,000. */
  readonly timeoutMs?: number;
  /** Ends the machine early; the result is what there is until then. */
  readonly signal?: AbortSignal;
  /** More variables for the command. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Hears the command's output as it comes. */
  readonly onOutput?: (stream: "stdout" | "stderr", text: string) => void;
}

/** What a lab leaves. The files are below `directory` until `remove` is called. */
export interface LabResult {
  /** The command's; undefined when the machine ended, or was ended, before it: `console` says more. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Text of Xen and of dom0's kernel. */
  readonly console: string;
  /** Seconds from the start of dom0's kernel to: "root" mounted, "userland" up, "command" done. */
  readonly times: Readonly<Record<string, number>>;
  /** Names below `directory`/cores, PROGRAM.PID, of whatever crashed in dom0. */
  readonly cores: readonly string[];
  readonly directory: string;
  /** By `timeoutMs` or `signal`. */
  readonly endedEarly: boolean;
  remove(): void;
}

/** Why `runInXen` can not work here, with what to do about it; undefined when everything is there. Fetches nothing. */
export function whyNoLab(): string | undefined {
  const reason = missingPrograms();
  if (reason !== undefined || fetchedPackages() !== undefined) return reason;
  return "the Xen lab's packages have not been fetched: npm run lab:xen -- --fetch";
}

/**
 * Boots Xen and, in its dom0, runs a command with bash. dom0 sees this machine's files, read-only under a layer of its own
 * that is gone afterwards, and starts in this checkout with its Node first in PATH; $XEN_LAB_GUEST is the path of the small
 * guest's kernel, $XEN_LAB_VMLINUX that of a Linux for PVH guests, and what is written to the folder $XEN_LAB is in `directory` afterwards.
 */
export async function runInXen(command: string, options: LabOptions = {}): Promise<LabResult> {
  const packages = fetchedPackages() ?? (await fetchPackages());
  const [ramdisk, guest] = await Promise.all([initramfs(packages), guestKernel(packages)]);
  const exchange = makeExchange(command, {
    XEN_LAB_GUEST: guest,
    XEN_LAB_VMLINUX: packages.vmlinux,
    VIRTWRIGHT_SELFTEST_XEN: "/run/lab/guest.xml",
    VIRTWRIGHT_SELFTEST_XEN_READY: "up ready",
    ...options.environment,
  });
  writeFileSync(join(exchange, "guest.xml"), selftestGuest(guest));
  const streams = (["stdout", "stderr"] as const).map(
    (name) => new GrowingFile(join(exchange, name), (text) => options.onOutput?.(name, text)),
  );
  const compileCache = join(cacheDirectory, "compiled");
  mkdirSync(compileCache, { recursive: true });
  const machine = new Machine({ ...packages, initramfs: ramdisk, exchange, compileCache }, options);
  const endedEarly = await waitForEnd(machine, exchange, streams, options);
  const [stdout, stderr] = streams.map((stream) => stream.text);
  return { ...readResult(exchange), stdout: stdout ?? "", stderr: stderr ?? "", endedEarly };
}

/** The folder that both sides see. */
function makeExchange(command: string, environment: Readonly<Record<string, string>>): string {
  const parent = join(checkout, "run/xen-lab");
  mkdirSync(parent, { recursive: true });
  const exchange = mkdtempSync(join(parent, "lab-"));
  mkdirSync(join(exchange, "cores"));
  copyFileSync(fileURLToPath(new URL("dom0/dom0.sh", import.meta.url)), join(exchange, "dom0.sh"));
  writeFileSync(join(exchange, "directory"), checkout);
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  writeFileSync(join(exchange, "command"), `${exports.join("")}${command}\n`);
  return exchange;
}

/** The small guest, as the self-test takes it: it says "up" and its command line, and hears what it is asked from then on. */
function selftestGuest(kernel: string): string {
  const os = `<os><type>linux</type><kernel>${kernel}</kernel><cmdline>ready</cmdline></os>`;
  return (
    "<domain type='xen'><name>guest</name><memory unit='MiB'>16</memory><vcpu current='1'>2</vcpu>" +
    `${os}<devices><console type='pty'/></devices></domain>\n`
  );
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Resolves when the machine has ended: true if that was not its own doing. */
async function waitForEnd(
  machine: Machine,
  exchange: string,
  streams: readonly GrowingFile[],
  { timeoutMs = 600_000, signal }: LabOptions,
): Promise<boolean> {
  const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal === undefined ? [] : [signal])]);
  const kill = (): void => machine.kill();
  if (limit.aborted) kill();
  limit.addEventListener("abort", kill);
  const readAll = (): void => {
    for (const stream of streams) stream.read();
  };
  const watcher = watch(exchange, readAll);
  try {
    await machine.ended;
  } finally {
    watcher.close();
    limit.removeEventListener("abort", kill);
  }
  readAll();
  return limit.aborted;
}

function readResult(directory: string): Omit<LabResult, "stdout" | "stderr" | "endedEarly"> {
  const text = (name: string): string => {
    const path = join(directory, name);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };
  const code = text("exit-code").trim();
  const times = text("times")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" "));
  return {
    exitCode: code === "" ? undefined : Number(code),
    console: text("console.log"),
    times: Object.fromEntries(times.filter(([name]) => name !== "").map(([name, seconds]) => [name, Number(seconds)])),
    cores: readdirSync(join(directory, "cores")),
    directory,
    remove: () => rmSync(directory, { recursive: true }),
  };
}
