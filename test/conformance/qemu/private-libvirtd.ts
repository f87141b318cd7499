import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A libvirtd whose `qemu:///system` is its own: it has its own mounts where libvirt keeps what it knows, and its own process
 * ids, so that all of its guests go with it. It needs root. With `ownNetwork` its network devices and rules are its own too.
 *
 * start: spawns it and waits for its socket.
 * stop: ends the first process of its process ids, and thereby all of them.
 */
export class PrivateLibvirtd {
  readonly socket: string;
  readonly #directory: string;
  readonly #ownNetwork: boolean;
  #process: ChildProcess | undefined;

  constructor(directory: string, { ownNetwork = false } = {}) {
    this.#directory = directory;
    this.#ownNetwork = ownNetwork;
    this.socket = join(directory, "libvirt-sock");
  }

  /** Why there can be none here; undefined: there can. */
  static get obstacle(): string | undefined {
    return process.getuid?.() === 0 ? undefined : "a libvirtd with qemu:///system needs root";
  }

  async start(): Promise<void> {
    const directory = this.#directory;
    mkdirSync(directory, { recursive: true });
    const settings = { unix_sock_dir: directory, auth_unix_rw: "none", auth_unix_ro: "none" };
    const lines = Object.entries(settings).map(([key, value]) => `${key} = "${value}"\n`);
    writeFileSync(join(directory, "libvirtd.conf"), lines.join(""));
    writeFileSync(join(directory, "begin.sh"), script);
    const namespaces = [
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
      ...(this.#ownNetwork ? ["--net"] : []),
    ];
    const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", TZ: "UTC" };
    this.#process = spawn(
      "unshare",
      [...namespaces, "bash", join(directory, "begin.sh"), directory, String(this.#ownNetwork)],
      {
        env: environment,
        stdio: "ignore",
        cwd: directory,
      },
    );
    for (let rounds = 0; !(await answers(this.socket)); rounds++) {
      if (rounds === 1000) throw new Error(`libvirtd has not opened ${this.socket} within 20 s`);
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
}

/**
 * Debian's QEMU driver does not open without its users, which the machine may lack. Cgroups and confinement are left out:
 * what they add depends on the machine.
 */
const script = `set -e
if [ "$2" = true ]; then
  mount -t sysfs sysfs /sys
  ip link set lo up
fi
for place in /etc/libvirt /var/lib/libvirt /run/libvirt /var/cache/libvirt /var/log/libvirt; do
  mkdir -p $place
  mount -t tmpfs tmpfs $place
done
if ! getent passwd libvirt-qemu >/dev/null; then
  { cat /etc/passwd; echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin'; } >/etc/libvirt/passwd
  mount --bind /etc/libvirt/passwd /etc/passwd
fi
{ cat /etc/group; for name in libvirt-qemu:64055 kvm:64056; do
    getent group \${name%:*} >/dev/null || echo \${name%:*}:x:\${name#*:}:; done; } >/etc/libvirt/group
mount --bind /etc/libvirt/group /etc/group
cat >/etc/libvirt/qemu.conf <<END
stdio_handler = "file"
cgroup_controllers = [ ]
security_driver = "none"
namespaces = [ ]
user = "root"
group = "root"
END
/usr/sbin/libvirtd -f "$1/libvirtd.conf" --pid-file "$1/pid" &
wait
`;

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
