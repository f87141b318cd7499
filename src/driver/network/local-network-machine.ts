import { closeSync, readdirSync, readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Loop } from "../../event/index.ts";
import {
  openProcess,
  openTapQueue,
  type Process,
  type ProcessIdentity,
  type TapQueueOptions,
  watchProcess,
} from "../../os/index.ts";
import { LocalPrograms } from "../programs.ts";
import type { LeaseServer, NetworkMachine, Route, TapQueue } from "./network-machine.ts";

const devicesDirectory = "/sys/class/net";
/** libvirt's definitions, and what runs of them. We read them, to stay out of its way. */
const foreignDirectories = ["/etc/libvirt/qemu/networks", "/run/libvirt/network"];

/** This machine, as far as its networks go; it is that of the network namespace that we are in. */
export class LocalNetworkMachine implements NetworkMachine {
  readonly programs = new LocalPrograms();
  readonly boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  readonly #loop: Loop;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** From /proc: /sys may show another namespace's. */
  async devices(): Promise<ReadonlySet<string>> {
    const lines = (await readFile("/proc/self/net/dev", "utf8")).split("\n").slice(2);
    return new Set(lines.map((line) => line.slice(0, line.lastIndexOf(":")).trim()).filter((name) => name !== ""));
  }

  async macOf(device: string): Promise<string | undefined> {
    if (!(await this.devices()).has(device)) return undefined;
    const shown = await this.programs.run("ip", ["-json", "link", "show", "dev", device]);
    return (JSON.parse(shown) as readonly { readonly address?: string }[])[0]?.address;
  }

  async portsOf(bridge: string): Promise<readonly string[]> {
    return unlessMissing(readdir(join(devicesDirectory, bridge, "brif")), []);
  }

  async routes(): Promise<readonly Route[]> {
    const lines = (await readFile("/proc/self/net/route", "utf8")).split("\n").slice(1);
    return lines.flatMap((line) => {
      const [device = "", destination = "", , , , , , mask = ""] = line.split("\t");
      return mask === "" ? [] : [{ device, destination: fromHex(destination), mask: fromHex(mask) }];
    });
  }

  async foreignBridges(): Promise<ReadonlySet<string>> {
    const bridges = new Set<string>();
    for (const directory of foreignDirectories) {
      for (const file of await unlessMissing(readdir(directory), [])) {
        if (!file.endsWith(".xml")) continue;
        const text = await unlessMissing(readFile(join(directory, file), "utf8"), "");
        const name = /<bridge\s[^>]*name=["']([^"']+)["']/.exec(text)?.[1];
        if (name !== undefined) bridges.add(name);
      }
    }
    return bridges;
  }

  async setKernelValue(path: string, value: string): Promise<void> {
    await writeFile(join("/proc/sys/net", path), value);
  }

  openTap(name: string, options: TapQueueOptions): TapQueue {
    const fd = openTapQueue(name, options);
    let isOpen = true;
    const close = (): void => {
      if (isOpen) closeSync(fd);
      isOpen = false;
    };
    return { fd, close };
  }

  findByFile(pidFile: string, argument: string): LeaseServer | undefined {
    const pid = Number(textOf(pidFile));
    return Number.isInteger(pid) && pid > 0 ? this.#find(pid, argument) : undefined;
  }

  findByArgument(argument: string): LeaseServer | undefined {
    for (const pid of readdirSync("/proc").map(Number).filter(Number.isInteger)) {
      if (!isStartedWith(pid, argument)) continue;
      const found = this.#find(pid, argument);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  find(identity: ProcessIdentity, argument: string): LeaseServer | undefined {
    return this.#find(identity, argument);
  }

  /** One that has ended, and that nobody has asked how, has no command line any more. */
  #find(target: number | ProcessIdentity, argument: string): LeaseServer | undefined {
    const process = openProcess(target);
    if (process === undefined) return undefined;
    // Looked at now that it is held: before, the number may have been another's.
    if (isStartedWith(process.pid, argument)) return this.#hold(process);
    process.close();
    return undefined;
  }

  #hold(process: Process): LeaseServer {
    return {
      identity: process.identity,
      signal: (signal) => process.signal(signal),
      onExit: (listener) => watchProcess(this.#loop, process, listener),
      close: () => process.close(),
    };
  }
}

/** The numbers in /proc/net/route have their bytes in the machine's order, as the address lies in memory. */
function fromHex(text: string): number {
  const bytes = Buffer.from(text, "hex");
  return bytes.length === 4 ? bytes.reverse().readUInt32BE(0) : 0;
}

function isStartedWith(pid: number, argument: string): boolean {
  return textOf(`/proc/${pid}/cmdline`).split("\0").includes(argument);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Directories that are not there, or not for us to read, hold nothing. */
async function unlessMissing<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  return reading.catch((error: NodeJS.ErrnoException) => {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(error.code ?? "")) return otherwise;
    throw error;
  });
}
