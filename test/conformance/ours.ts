import { join } from "node:path";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import type { Side } from "./virsh/side.ts";

/** Our daemon with its test hypervisor, in this process. */
export class Ours implements Side {
  readonly socket: string;
  readonly #loop: Loop;
  #daemon: Daemon | undefined;
  #driver: TestDriver | undefined;

  constructor(loop: Loop, directory: string) {
    this.#loop = loop;
    this.socket = join(directory, "ours-sock");
  }

  async start(): Promise<void> {
    this.#driver = new TestDriver(this.#loop);
    this.#daemon = new Daemon(this.#loop, { drivers: [this.#driver] });
    this.#daemon.listen({ path: this.socket });
  }

  async stop(): Promise<void> {
    await this.#daemon?.close();
    await this.#driver?.close();
  }
}
