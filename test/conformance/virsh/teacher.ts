import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const libvirtd = "/usr/sbin/libvirtd";

export interface TeacherOptions {
  readonly auth?: "none" | "sasl";
  readonly withAdmin?: boolean;
  /** The host that it says it is on. Default: this one. */
  readonly hostUuid?: string;
}

/**
 * A libvirtd of our own: its configuration, sockets and state are below `directory`, and it runs as nobody where we are
 * root, so that nothing of the system's is in its reach.
 *
 * start: spawns it and waits for its socket.
 * stop: ends it by its process id. Its test hypervisor starts afresh with the next one.
 */
export class Teacher {
  readonly socket: string;
  /** Is there only when it was asked for. */
  readonly adminSocket: string;
  readonly #directory: string;
  readonly #auth: string;
  readonly #withAdmin: boolean;
  readonly #host: Readonly<Record<string, string>>;
  #process: ChildProcess | undefined;

  /**
   * `auth`: how its clients log in; the configuration of "sasl" is in `directory`. `withAdmin`: a user's daemon has such a
   * socket only where its sockets are at their usual place.
   */
  constructor(directory: string, { auth = "none", withAdmin = false, hostUuid }: TeacherOptions = {}) {
    this.#directory = directory;
    this.#auth = auth;
    this.#withAdmin = withAdmin;
    this.#host = hostUuid === undefined ? {} : { host_uuid: hostUuid };
    const sockets = withAdmin ? join(directory, "XDG_RUNTIME_DIR/libvirt") : directory;
    this.socket = join(sockets, "libvirt-sock");
    this.adminSocket = join(sockets, "libvirt-admin-sock");
  }

  async start(): Promise<void> {
    const directory = this.#directory;
    const environment: Record<string, string> = {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      LC_ALL: "C",
      SASL_CONF_PATH: directory,
    };
    for (const name of ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"]) {
      environment[name] = this.#makeDirectory(name);
    }
    this.#makeDirectory("");
    const place = this.#withAdmin ? {} : { unix_sock_dir: directory };
    const configuration = { ...place, auth_unix_rw: this.#auth, auth_unix_ro: "none", ...this.#host };
    const lines = Object.entries(configuration).map(([key, value]) => `${key} = "${value}"\n`);
    writeFileSync(join(directory, "libvirtd.conf"), lines.join(""));
    // Nothing of the run before may look as if it were there already.
    for (const path of [this.socket, `${this.socket}-ro`, this.adminSocket, join(directory, "pid")]) {
      rmSync(path, { force: true });
    }
    const args = ["-f", join(directory, "libvirtd.conf"), "--pid-file", join(directory, "pid"), "--timeout", "120"];
    const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
    this.#process = spawn(libvirtd, args, { env: environment, stdio: "ignore", cwd: directory, ...user });
    const last = this.#withAdmin ? this.adminSocket : this.socket;
    for (let rounds = 0; !(await answers(last)); rounds++) {
      if (rounds === 500) throw new Error(`${libvirtd} has not opened ${last} within 10 s`);
      await sleep(20);
    }
  }

  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    process.kill("SIGKILL");
    await once(process, "exit");
  }

  #makeDirectory(name: string): string {
    const path = join(this.#directory, name);
    mkdirSync(path, { recursive: true });
    if (process.getuid?.() === 0) chownSync(path, nobody, nobody);
    chmodSync(path, 0o755);
    return path;
  }
}

const nobody = 65_534;

/** The file is there before anybody listens. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
