import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DeadlineError, Deferred, type Loop, type Timeout } from "../../event/index.ts";
import type { ProcessIdentity } from "../../os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { type DnsmasqFiles, dnsmasqConfig, needsDnsmasq } from "./dnsmasq-config.ts";
import type { LeaseServer, NetworkMachine } from "./network-machine.ts";
import type { NetworkPlan } from "./network-plan.ts";

const terminateMs = 5000;

/** The dnsmasq of each network, and its files: they are in the run directory, the leases stay. */
export class Dnsmasq {
  readonly #loop: Loop;
  readonly #machine: NetworkMachine;
  readonly #runDir: string;
  readonly #leaseDir: string;

  constructor(loop: Loop, machine: NetworkMachine, runDir: string, leaseDir: string) {
    this.#loop = loop;
    this.#machine = machine;
    this.#runDir = runDir;
    this.#leaseDir = leaseDir;
  }

  /** Resolves when it serves; undefined for a network that needs none. Rejects with VirError. */
  async start(plan: NetworkPlan): Promise<LeaseServer | undefined> {
    if (!needsDnsmasq(plan)) return undefined;
    const files = this.#filesOf(plan.uuid);
    await mkdir(this.#leaseDir, { recursive: true, mode: 0o700 });
    await writeFile(files.config, dnsmasqConfig(plan, files), { mode: 0o600 });
    await rm(files.pid, { force: true });
    // It comes back when its child has all its sockets, or with what is wrong.
    await this.#machine.programs.run("dnsmasq", [argumentOf(files)]);
    const server = this.#machine.findByFile(files.pid, argumentOf(files));
    if (server !== undefined) return server;
    const detail = `dnsmasq of network '${plan.name}' ended at once: see the system's log`;
    throw VirError.of(ErrorCode.internalError, ErrorDomain.network, detail);
  }

  /** Rejects with VirError when dnsmasq would not take this configuration. */
  async check(plan: NetworkPlan): Promise<void> {
    if (!needsDnsmasq(plan)) return;
    const files = this.#filesOf(plan.uuid);
    const trial = `${files.config}.new`;
    await writeFile(trial, dnsmasqConfig(plan, files), { mode: 0o600 });
    try {
      await this.#machine.programs.run("dnsmasq", ["--test", `--conf-file=${trial}`]);
    } finally {
      await rm(trial, { force: true });
    }
  }

  /** The one that a daemon before us has started and noted down. */
  find(uuid: string, identity: ProcessIdentity): LeaseServer | undefined {
    return this.#machine.find(identity, argumentOf(this.#filesOf(uuid)));
  }

  /**
   * Ends whatever there is for a network, also what a daemon before us did not live to note down: one that was just
   * being started has two processes. Without its file, which goes first, none begins any more.
   */
  async stopAll(uuid: string): Promise<void> {
    await this.forget(uuid);
    const argument = argumentOf(this.#filesOf(uuid));
    for (let rounds = 0; rounds < 10; rounds++) {
      const server = this.#machine.findByArgument(argument);
      if (server === undefined) return;
      await this.stop(server);
    }
  }

  /** Resolves when it has really ended, and lets go of it. Rejects with DeadlineError when not even SIGKILL ends it. */
  async stop(server: LeaseServer): Promise<void> {
    const gone = new Deferred();
    const exit = server.onExit(() => gone.resolve());
    const after = (ms: number, act: () => unknown): Timeout => this.#loop.timeout(this.#loop.now() + ms, act);
    const kill = after(terminateMs, () => server.signal("SIGKILL"));
    const giveUp = after(2 * terminateMs, () => gone.reject(new DeadlineError("a dnsmasq does not end: kill it")));
    try {
      // One that has ended already tells so all the same.
      server.signal("SIGTERM");
      await gone.promise;
    } finally {
      for (const each of [kill, giveUp, exit]) each.remove();
      server.close();
    }
  }

  /** Its files but for the leases. */
  async forget(uuid: string): Promise<void> {
    const { config, pid } = this.#filesOf(uuid);
    for (const path of [config, pid]) await rm(path, { force: true });
  }

  /** As dnsmasq has written them; empty when there are none. */
  async leasesOf(uuid: string): Promise<string> {
    return readFile(this.#filesOf(uuid).leases, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
  }

  /** For a network that is no more. */
  async removeLeases(uuid: string): Promise<void> {
    await rm(this.#filesOf(uuid).leases, { force: true });
  }

  #filesOf(uuid: string): DnsmasqFiles {
    return {
      config: join(this.#runDir, `${uuid}.dnsmasq.conf`),
      pid: join(this.#runDir, `${uuid}.dnsmasq.pid`),
      leases: join(this.#leaseDir, `${uuid}.leases`),
    };
  }
}

function argumentOf({ config }: DnsmasqFiles): string {
  return `--conf-file=${config}`;
}
