import { join } from "node:path";
import { Logger } from "../../../src/cli/log/logger.ts";
import { LoggerControl } from "../../../src/cli/log/logger-control.ts";
import { AdminServer, Daemon } from "../../../src/daemon/index.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import type { Loop } from "../../../src/event/index.ts";
import type { AdminSide } from "./run-script.ts";

/** Our daemon with its administration, in this process, at sockets in `directory`. */
export class OurAdmin implements AdminSide {
  readonly socket: string;
  readonly adminSocket: string;
  readonly #loop: Loop;
  #parts: AsyncDisposableStack | undefined;

  constructor(loop: Loop, directory: string) {
    this.#loop = loop;
    this.socket = join(directory, "our-sock");
    this.adminSocket = join(directory, "our-admin-sock");
  }

  async start(): Promise<void> {
    await using parts = new AsyncDisposableStack();
    const settings = { level: 3, filters: [], outputs: [{ level: 1, kind: "stderr" }] } as const;
    const logger = parts.use(new Logger(settings, { stderr: () => {} }));
    const driver = parts.use(new TestDriver(this.#loop));
    const daemon = parts.use(new Daemon(this.#loop, { drivers: [driver] }));
    const nothing = (): void => {};
    const log = new LoggerControl(logger, settings);
    const control = { renewTls: nothing, setTimeout: nothing, shutDown: nothing };
    const admin = parts.use(new AdminServer(this.#loop, { daemon, log, ...control }));
    daemon.listen({ path: this.socket });
    admin.listen(this.adminSocket, {});
    this.#parts = parts.move();
  }

  async stop(): Promise<void> {
    await this.#parts?.disposeAsync();
  }
}
