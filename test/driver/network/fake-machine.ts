import type { LeaseServer, NetworkMachine, Route, TapQueue } from "../../../src/driver/network/network-machine.ts";
import { missingProgram, type ProgramName, type ProgramRequest, type Programs } from "../../../src/driver/programs.ts";
import { type ProcessExit, type ProcessIdentity, SystemError, type TapQueueOptions } from "../../../src/os/index.ts";

/** A dnsmasq that is not there: it ends when it is told to. */
export class FakeServer implements LeaseServer {
  readonly identity: ProcessIdentity;
  readonly argument: string;
  isAlive = true;
  /** Only SIGKILL ends it. */
  isDeaf = false;
  readonly #listeners = new Set<(exit: ProcessExit) => void>();

  constructor(pid: number, argument: string) {
    this.identity = { pid, startTime: pid * 7 };
    this.argument = argument;
  }

  signal(signal: "SIGTERM" | "SIGKILL"): boolean {
    const isHeard = this.isAlive && !(this.isDeaf && signal === "SIGTERM");
    if (isHeard) this.die();
    return this.isAlive;
  }

  onExit(listener: (exit: ProcessExit) => void): { remove(): void } {
    this.#listeners.add(listener);
    return { remove: () => this.#listeners.delete(listener) };
  }

  die(): void {
    this.isAlive = false;
    for (const listener of this.#listeners) listener({});
  }

  close(): void {}
}

/** Bridges, tables and servers as our commands would leave them, and every command as it was given. */
export class FakeMachine implements NetworkMachine {
  boot = "boot-1";
  /** By name: the address. */
  readonly links = new Map<string, string>([["lo", "00:00:00:00:00:00"]]);
  readonly tables = new Map<string, string>();
  readonly servers: FakeServer[] = [];
  readonly commands: string[][] = [];
  readonly kernelValues = new Map<string, string>();
  readonly ports = new Map<string, readonly string[]>();
  foreign: readonly string[] = [];
  ways: Route[] = [];
  /** Programs that are not installed, and those that wait. */
  readonly missing = new Set<ProgramName>();
  gate: Promise<void> | undefined;
  /** Open descriptors of tap devices. */
  readonly queues = new Map<number, TapQueueOptions & { readonly name: string }>();
  /** What opening one fails with. */
  tapFailure: Error | undefined;
  /** The next command that has this in it fails. */
  failing: string | undefined;
  #pids = 100;

  readonly programs: Programs = {
    run: async (name: ProgramName, args: readonly string[], request?: ProgramRequest): Promise<string> => {
      if (this.missing.has(name)) throw missingProgram(name);
      await this.gate;
      this.commands.push([name, ...args]);
      if (this.failing !== undefined && [name, ...args].join(" ").includes(this.failing)) {
        this.failing = undefined;
        throw new Error(`${name} fails`);
      }
      if (name === "ip") this.#ip(args);
      if (name === "nft") this.#nft(request?.input ?? "");
      if (name === "dnsmasq" && args[0] !== "--test") this.servers.push(new FakeServer(this.#pids++, args[0] ?? ""));
      return "";
    },
  };

  async devices(): Promise<ReadonlySet<string>> {
    return new Set(this.links.keys());
  }
  async macOf(device: string): Promise<string | undefined> {
    return this.links.get(device);
  }
  async portsOf(bridge: string): Promise<readonly string[]> {
    return this.ports.get(bridge) ?? [];
  }
  async routes(): Promise<readonly Route[]> {
    return this.ways;
  }
  async foreignBridges(): Promise<ReadonlySet<string>> {
    return new Set(this.foreign);
  }
  async setKernelValue(path: string, value: string): Promise<void> {
    this.kernelValues.set(path, value);
  }
  openTap(name: string, options: TapQueueOptions): TapQueue {
    if (this.tapFailure !== undefined) throw this.tapFailure;
    const busy = 16;
    if (options.isNew && this.links.has(name)) throw new SystemError(busy, "ioctl", name);
    const fd = 40 + this.queues.size;
    if (options.isNew) this.links.set(name, "");
    this.queues.set(fd, { name, ...options });
    return {
      fd,
      close: () => {
        this.queues.delete(fd);
        if (![...this.queues.values()].some((each) => each.name === name)) this.links.delete(name);
      },
    };
  }
  findByFile(_: string, argument: string): LeaseServer | undefined {
    return this.servers.findLast((each) => each.isAlive && each.argument === argument);
  }
  findByArgument(argument: string): LeaseServer | undefined {
    return this.servers.find((each) => each.isAlive && each.argument === argument);
  }
  find(identity: ProcessIdentity): LeaseServer | undefined {
    return this.servers.find((each) => each.isAlive && each.identity.pid === identity.pid);
  }

  get alive(): readonly FakeServer[] {
    return this.servers.filter(({ isAlive }) => isAlive);
  }

  #ip(args: readonly string[]): void {
    const words = args.join(" ");
    const added = /^link add name (\S+) address (\S+)/.exec(words);
    if (added !== null) this.links.set(added[1] ?? "", added[2] ?? "");
    const removed = /^link delete dev (\S+)/.exec(words);
    if (removed !== null) this.links.delete(removed[1] ?? "");
  }

  #nft(script: string): void {
    for (const [, name = ""] of script.matchAll(/^delete table inet (\S+)/gm)) this.tables.delete(name);
    for (const [, name = ""] of script.matchAll(/^table inet (\S+) \{\n/gm)) this.tables.set(name, script);
  }
}
