import { once } from "node:events";
import type { Loop } from "../../../src/event/index.ts";
import { connectUnix } from "../../../src/os/index.ts";
import { type Client, remote } from "../../../src/protocol/index.ts";
import { type CallOptions, Connection, clientOf } from "../../../src/rpc/index.ts";
import { Desktop } from "./desktop.ts";
import { Proxy } from "./proxy.ts";

export const virtManager = "/usr/bin/virt-manager";

export interface SceneOptions {
  readonly directory: string;
  /** The daemon's socket. */
  readonly upstream: string;
  /** "test:///default" */
  readonly hypervisor: string;
}

/** virt-manager before one daemon, and somebody else who changes things meanwhile. */
export class Scene {
  readonly proxy: Proxy;
  readonly call: Client<typeof remote.procedures, CallOptions>;
  readonly #hypervisor: string;
  readonly #desktop: Desktop;
  readonly #uri: string;
  readonly #other: Connection;

  constructor(loop: Loop, { directory, upstream, hypervisor }: SceneOptions) {
    const socket = `${directory}-proxy`;
    this.proxy = new Proxy(loop, socket, upstream);
    this.#hypervisor = hypervisor;
    // Without a transport libvirt's library would be the test hypervisor itself; with one, virt-manager takes any other
    // for far away, and does not show its screens.
    const base = hypervisor.startsWith("test:") ? hypervisor.replace(":", "+unix:") : hypervisor;
    this.#uri = `${base}?socket=${socket}`;
    this.#desktop = new Desktop(directory);
    this.#other = new Connection(loop, connectUnix(loop, upstream));
    this.#other.open({ onClose: () => {} });
    this.call = clientOf(this.#other, remote);
  }

  async open(): Promise<void> {
    await this.call.authList({});
    await this.call.connectOpen({ name: this.#hypervisor, flags: 0 });
    await this.#desktop.open();
  }

  /** Opens a window: the first call starts the program, later ones reach the one that runs. */
  show(...args: string[]): void {
    this.#desktop.start(virtManager, ["--connect", this.#uri, "--no-fork", ...args]);
  }

  /** As `show`, when the program runs: until it has been told. */
  async told(...args: string[]): Promise<void> {
    const messenger = this.#desktop.start(virtManager, ["--connect", this.#uri, "--no-fork", ...args]);
    await once(messenger, "exit", { signal: AbortSignal.timeout(60_000) });
  }

  /** How often it has made this call and been answered. */
  count(name: string): number {
    return this.proxy.calls.filter((call) => call.name === name && call.outcome !== undefined).length;
  }

  async close(): Promise<void> {
    await this.#desktop.close();
    this.#other.close();
    await this.proxy.close();
  }
}
