import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, realpathSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { HostResourcePlaces } from "../driver/host-resources.ts";
import { UsageError } from "./usage-error.ts";

/** Where guests have their files: QEMU's, where it does not say otherwise. */
export interface GuestPlaces {
  /** Definitions: kept for ever. */
  readonly stateDir: string;
  /** Records of running guests: to vanish with the next boot. */
  readonly runDir: string;
  /** Their monitors: short, a socket's path has 107 bytes. */
  readonly monitorDir: string;
  /** What QEMU prints. */
  readonly logDir: string;
  /** Of networks and storage pools. */
  readonly resources: HostResourcePlaces;
  /** The same two of Xen's guests. */
  readonly xenStateDir: string;
  readonly xenRunDir: string;
}

/** The system's daemon, of root; or a user's own. */
export type Mode = "system" | "session";

/** Where a daemon keeps its things. */
export interface DaemonPlaces extends GuestPlaces {
  readonly configFile: string;
  readonly pidFile: string;
  /** Certificates and keys. */
  readonly pkiDir: string;
  /** Who may log in. */
  readonly usersFile: string;
  /** What clients have changed. */
  readonly auditFile: string;
  readonly socketDir: string;
  /** Where libvirt's clients look for libvirtd's sockets. */
  readonly libvirtSocketDir: string;
  /** Of directories for sockets that are made. */
  readonly directoryMode: number;
  /** To be made, with their permissions. */
  readonly directories: readonly (readonly [path: string, mode: number])[];
}

export const systemPlaces: DaemonPlaces = {
  configFile: "/etc/virtwright/virtwright.conf",
  pidFile: "/run/virtwright/virtwright.pid",
  pkiDir: "/etc/virtwright/pki",
  usersFile: "/etc/virtwright/users",
  auditFile: "/var/log/virtwright/audit.log",
  socketDir: "/run/virtwright",
  libvirtSocketDir: "/run/libvirt",
  stateDir: "/var/lib/virtwright/qemu",
  runDir: "/run/virtwright/qemu",
  monitorDir: "/run/virtwright/qemu",
  logDir: "/var/log/virtwright/qemu",
  resources: resourcePlaces("/var/lib/virtwright", "/run/virtwright"),
  xenStateDir: "/var/lib/virtwright/xen",
  xenRunDir: "/run/virtwright/xen",
  // Everybody may come as far as the sockets; their own permissions decide then.
  directoryMode: 0o755,
  directories: [
    ["/run/virtwright", 0o755],
    ["/var/lib/virtwright", 0o711],
    ["/var/log/virtwright", 0o700],
  ],
};

/**
 * A user's, after the XDG Base Directory specification; a variable that is unset or not absolute counts as its default.
 * Without XDG_RUNTIME_DIR the sockets are below the cache directory, where libvirt's clients look then too.
 */
export function sessionPlaces(env: NodeJS.ProcessEnv, home: string): DaemonPlaces {
  const base = (name: string, fallback: string): string => {
    const value = env[name] ?? "";
    return isAbsolute(value) ? value : join(home, fallback);
  };
  const runtime = isAbsolute(env["XDG_RUNTIME_DIR"] ?? "")
    ? base("XDG_RUNTIME_DIR", "")
    : base("XDG_CACHE_HOME", ".cache");
  const run = join(runtime, "virtwright");
  const state = join(base("XDG_STATE_HOME", ".local/state"), "virtwright");
  const config = join(base("XDG_CONFIG_HOME", ".config"), "virtwright");
  return {
    configFile: join(config, "virtwright.conf"),
    pidFile: join(run, "virtwright.pid"),
    pkiDir: join(config, "pki"),
    usersFile: join(config, "users"),
    auditFile: join(state, "audit.log"),
    socketDir: run,
    libvirtSocketDir: join(runtime, "libvirt"),
    stateDir: join(state, "qemu"),
    runDir: join(run, "qemu"),
    monitorDir: join(run, "qemu"),
    logDir: join(state, "log"),
    resources: resourcePlaces(state, run),
    xenStateDir: join(state, "xen"),
    xenRunDir: join(run, "xen"),
    directoryMode: 0o700,
    directories: [
      [run, 0o700],
      [state, 0o700],
    ],
  };
}

/** Those of the daemon that whoever types a command means: root the system's, everybody else, and root with `--session`, their own. */
export function placesOf(isSession: boolean): DaemonPlaces {
  const isSystem = process.getuid?.() === 0 && !isSession;
  return isSystem ? systemPlaces : sessionPlaces(process.env, homedir());
}

/** Where a daemon that was started for a try keeps its things. */
export interface TrialPlaces extends GuestPlaces {
  readonly socket: string;
  /** The daemon's own read-only socket. */
  readonly readOnlySocket: string;
}

/** A monitor's path below its directory. */
const monitorName = "/00000000-0000-0000-0000-000000000000.monitor";

/** All below `directory`, which is made; where its path is too long for sockets, these alone are in `shortDirectory`. */
export function trialPlaces(directory: string): TrialPlaces {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const runDir = join(directory, "qemu");
  const fits = Buffer.byteLength(runDir + monitorName) <= 107;
  const sockets = fits ? directory : shortDirectory(directory);
  return {
    socket: join(sockets, "virtwright-sock"),
    readOnlySocket: join(sockets, "virtwright-sock-ro"),
    stateDir: join(directory, "definitions"),
    runDir,
    monitorDir: fits ? runDir : join(sockets, "qemu"),
    logDir: join(directory, "log"),
    resources: resourcePlaces(directory, join(directory, "running")),
    xenStateDir: join(directory, "xen"),
    xenRunDir: join(directory, "running", "xen"),
  };
}

/** `state` is kept for ever, `run` until the next boot. */
function resourcePlaces(state: string, run: string): HostResourcePlaces {
  return {
    networkDir: join(state, "networks"),
    networkRunDir: join(run, "networks"),
    poolDir: join(state, "pools"),
    poolRunDir: join(run, "pools"),
  };
}

/** The same for the same `directory`, and nobody else's: a foreign one under this name is refused. */
function shortDirectory(directory: string): string {
  const uid = process.getuid?.() ?? 0;
  const hash = createHash("sha256").update(realpathSync(directory)).digest("hex").slice(0, 8);
  const path = join(tmpdir(), `virtwright-${uid}-${hash}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const status = lstatSync(path);
  if (!status.isDirectory() || status.uid !== uid || (status.mode & 0o077) !== 0) {
    throw new UsageError(`${path} is not ours alone: remove it, or use a shorter --directory`);
  }
  return path;
}

/** Makes them with their permissions; those that are there stay as they are. */
export function makeDirectories(directories: readonly (readonly [path: string, mode: number])[]): void {
  for (const [path, mode] of directories) {
    const made = mkdirSync(path, { recursive: true, mode });
    // Whatever the umask says: everybody has to come as far as the system's sockets.
    if (made !== undefined) chmodSync(path, mode);
  }
}
