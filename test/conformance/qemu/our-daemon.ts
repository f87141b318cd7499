import { join } from "node:path";
import { Daemon } from "../../../src/daemon/index.ts";
import { QemuDriver } from "../../../src/driver/qemu/index.ts";
import type { Loop } from "../../../src/event/index.ts";

/** Our daemon with its QEMU driver, in this process. */
export class OurDaemon {
  readonly socket: string;
  readonly #loop: Loop;
  readonly #directory: string;
  #daemon: Daemon | undefined;
  #driver: QemuDriver | undefined;
  readonly warnings: unknown[] = [];

  constructor(loop: Loop, directory: string) {
    this.#loop = loop;
    this.#directory = directory;
    this.socket = join(directory, "sock");
  }

  async start(): Promise<void> {
    const place = (name: string): string => join(this.#directory, name);
    this.#driver = await QemuDriver.open(this.#loop, {
      uri: "qemu:///system",
      stateDir: place("state"),
      runDir: place("run"),
      logDir: place("log"),
      resources: {
        networkDir: place("networks"),
        networkRunDir: place("running/networks"),
        poolDir: place("pools"),
        poolRunDir: place("running/pools"),
      },
      onWarning: (warning) => this.warnings.push(warning),
    });
    this.#daemon = new Daemon(this.#loop, { drivers: [this.#driver] });
    this.#daemon.listen({ path: this.socket });
  }

  /** Resolves when all that has happened is on its way: ours tells nothing that its journal could lose. */
  async settled(): Promise<void> {
    const { journal } = this.#driver ?? {};
    await journal?.flushed(journal.position.sequence);
  }

  /** Guests that still run run on. */
  async stop(): Promise<void> {
    await this.#daemon?.close();
    await this.#driver?.close();
  }
}
