import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { type ProgramEnd, runProgram } from "../os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";

/** The programs that networks and storage need, and Debian's package of each. */
const packages = {
  dnsmasq: "dnsmasq-base",
  ip: "iproute2",
  nft: "nftables",
  "qemu-img": "qemu-utils",
} as const;

export type ProgramName = keyof typeof packages;

export interface ProgramRequest {
  /** When it is killed. Default 30,000. */
  readonly timeoutMs?: number;
  /** Kills it. */
  readonly signal?: AbortSignal | undefined;
  /** Its standard input. */
  readonly input?: string;
}

/** Programs of the machine that do one thing and end. */
export interface Programs {
  /**
   * What it has printed, when it has ended well. Each argument reaches it as it is. Rejects with VirError (a missing
   * program names the package to install), or with the signal's reason.
   */
  run(name: ProgramName, args: readonly string[], request?: ProgramRequest): Promise<string>;
}

const defaultTimeoutMs = 30_000;
const directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const env = { PATH: directories.join(":"), LC_ALL: "C" };

/** Those of this machine, found where the system has its programs, whatever our own PATH says. */
export class LocalPrograms implements Programs {
  async run(name: ProgramName, args: readonly string[], request: ProgramRequest = {}): Promise<string> {
    const { timeoutMs = defaultTimeoutMs, signal, input } = request;
    const path = pathOf(name);
    const end = await runProgram(path, args, { timeoutMs, signal, input, env });
    if (end.code === 0) return end.stdout;
    throw failed([path, ...args], end, timeoutMs);
  }
}

function pathOf(name: ProgramName): string {
  for (const directory of directories) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this one.
    }
  }
  throw missingProgram(name);
}

export function missingProgram(name: ProgramName): VirError {
  const noEntry = 2;
  const advice = `install it with: sudo apt-get install ${packages[name]}`;
  const detail = `Cannot find '${name}' in path: No such file or directory; ${advice}`;
  return VirError.system(ErrorDomain.none, noEntry, detail);
}

/** libvirt's words. */
function failed(command: readonly string[], { code, signal, stderr }: ProgramEnd, timeoutMs: number): VirError {
  const shown = command.join(" ");
  const how = code === undefined ? `fatal signal ${signal}` : `exit status ${code}`;
  const late = signal === "SIGKILL" ? ` (it had ${timeoutMs / 1000} s)` : "";
  const detail = `Child process (${shown}) unexpected ${how}${late}: ${stderr.trim()}`;
  return VirError.of(ErrorCode.internalError, ErrorDomain.none, detail);
}
