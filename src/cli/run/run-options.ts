import { accessSync, constants, readFileSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { UsageError } from "../usage-error.ts";

/** A port of the host that leads to one of the guest. */
export interface PortForward {
  readonly protocol: "tcp" | "udp";
  /** Address of the host; undefined: 127.0.0.1. */
  readonly address: string | undefined;
  readonly host: number;
  readonly guest: number;
}

/** What `virtwright run` is to do; paths are absolute, and their files were readable. */
export interface RunOptions {
  readonly name: string;
  readonly disk: string | undefined;
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly append: string | undefined;
  readonly memoryMib: number;
  readonly cpus: number;
  readonly accelerator: "auto" | "kvm" | "tcg";
  readonly forwards: readonly PortForward[];
  /** Of cloud-init: the text of its user data. */
  readonly userData: string | undefined;
  /** Public keys, one line each. */
  readonly sshKeys: readonly string[];
  /** Nothing of the guest is left but its disk. */
  readonly remove: boolean;
  /** The hypervisor to use; undefined: the daemon here or, without one, none. */
  readonly connect: string | undefined;
  /** Where guests have their files, and a daemon its socket; undefined: the system's or the user's places. */
  readonly directory: string | undefined;
}

export const runUsage = `virtwright run: a guest, with its console in this terminal (Ctrl-] leaves it)

  virtwright run [OPTIONS] DISK                                  boots a disk image (qcow2 or raw)
  virtwright run [OPTIONS] --kernel FILE [--initrd FILE] [DISK]  boots a kernel

  --name NAME          default: after the disk or the kernel; a guest of this name is started again
  --append ARGUMENTS   the kernel's; default "console=ttyS0"
  -m, --memory SIZE    512M, 2G, or a number of MiB; default 1G
  --cpus N             default 1
  -p, --publish [ADDRESS:]HOST:GUEST[/udp]
                       a port of this host leads to the guest's; may be repeated
  --user-data FILE     for cloud-init
  --ssh-key FILE       a public key that cloud-init lets in; may be repeated
  --rm                 the guest ends when its console is left, and is forgotten; its disk stays
  --accel kvm|tcg      default: KVM where it works
  --connect URI        through that daemon, virtwright's or libvirt's; default: virtwright's daemon where one
                       runs, otherwise no daemon at all
  --directory DIR      guests' files, and perhaps a daemon, are there ("npm start" uses ./run)
`;

/** Undefined when help was asked for. Throws UsageError that names the fix, or what parseArgs throws. */
export function readRunOptions(args: readonly string[]): RunOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: "string" },
      kernel: { type: "string" },
      initrd: { type: "string" },
      append: { type: "string" },
      memory: { type: "string", short: "m", default: "1G" },
      cpus: { type: "string", default: "1" },
      publish: { type: "string", short: "p", multiple: true, default: [] },
      "user-data": { type: "string" },
      "ssh-key": { type: "string", multiple: true, default: [] },
      rm: { type: "boolean", default: false },
      accel: { type: "string", default: "auto" },
      connect: { type: "string" },
      directory: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const [disk, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`one disk at most: ${more.join(", ")} is too much`);
  const { kernel, initrd } = values;
  if (disk === undefined && kernel === undefined)
    throw new UsageError(`say what to boot: a disk image, or --kernel\n${runUsage}`);
  if (kernel === undefined && (initrd ?? values.append) !== undefined)
    throw new UsageError("--initrd and --append go with --kernel");
  if (values.connect !== undefined && values.directory !== undefined)
    throw new UsageError("--connect or --directory, not both");
  return {
    name: readName(values.name ?? nameAfter(disk ?? kernel ?? "")),
    disk: readable(disk),
    kernel: readable(kernel),
    initrd: readable(initrd),
    append: kernel === undefined ? undefined : (values.append ?? "console=ttyS0"),
    memoryMib: readMemory(values.memory),
    cpus: readCount(values.cpus),
    accelerator: readAccelerator(values.accel),
    forwards: values.publish.map(readForward),
    userData: values["user-data"] === undefined ? undefined : readText(values["user-data"]),
    sshKeys: values["ssh-key"].map(readKey),
    remove: values.rm,
    connect: values.connect,
    directory: values.directory,
  };
}

function readName(name: string): string {
  if (name !== "" && !name.includes("/") && !/\p{Cc}/u.test(name)) return name;
  throw new UsageError(`"${name}" cannot be a guest's name: choose one by --name, without a slash`);
}

/** "debian-12.qcow2": "debian-12". */
function nameAfter(path: string): string {
  return basename(path, extname(path));
}

function readable(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const absolute = resolve(path);
  try {
    accessSync(absolute, constants.R_OK);
    return absolute;
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file",
    EACCES: "permission denied",
    EISDIR: "it is a directory",
  };
  return words[code ?? ""] ?? message;
}

function readKey(path: string): string {
  const key = readText(path).trim();
  if (/PRIVATE KEY/.test(key)) throw new UsageError(`${path} is a private key: give the public one, ${path}.pub`);
  if (!/^(ssh-|ecdsa-|sk-)\S+ \S+/.test(key) || key.includes("\n"))
    throw new UsageError(`${path} is not one public key of ssh`);
  return key;
}

function readMemory(text: string): number {
  const [, digits, unit = ""] = /^(\d+)\s*([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const factors: Readonly<Record<string, number>> = { "": 1, k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 };
  const mib = Number(digits) * (factors[unit.toLowerCase()] ?? Number.NaN);
  if (mib >= 1 && mib <= 16 * 1024 * 1024) return Math.floor(mib);
  throw new UsageError(`"${text}" is no amount of memory: write 512M or 2G`);
}

function readCount(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new UsageError(`--cpus ${text}: write a number from 1 to 999`);
}

function readAccelerator(text: string): RunOptions["accelerator"] {
  if (text === "auto" || text === "kvm" || text === "tcg") return text;
  throw new UsageError(`--accel ${text}: it is kvm or tcg`);
}

function readForward(text: string): PortForward {
  const match = /^(?:(?<address>[\d.]+|\[[\da-f:.]+\]):)?(?<host>\d+):(?<guest>\d+)(?:\/(?<protocol>tcp|udp))?$/i.exec(
    text,
  );
  const { address, host, guest, protocol = "tcp" } = match?.groups ?? {};
  const ports = [Number(host), Number(guest)] as const;
  if (match === null || ports.some((port) => port < 1 || port > 65_535))
    throw new UsageError(`-p ${text}: write HOST:GUEST, as in 2222:22`);
  return {
    protocol: protocol.toLowerCase() === "udp" ? "udp" : "tcp",
    address: address?.replace(/^\[|\]$/g, ""),
    host: ports[0],
    guest: ports[1],
  };
}
