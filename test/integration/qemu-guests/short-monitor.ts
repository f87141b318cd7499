import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

type Reply = { readonly return?: unknown; readonly error?: { readonly desc: string } };

/** As much of QMP as it takes to ask a few questions. */
export class ShortMonitor {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async open(path: string): Promise<ShortMonitor> {
    const socket = connect(path);
    socket.on("error", () => {});
    const monitor = new ShortMonitor(socket);
    await monitor.#lines.next();
    await monitor.execute("qmp_capabilities", {});
    return monitor;
  }

  /** Rejects with what QEMU says is wrong, or when it has gone. */
  async execute(command: string, args: object): Promise<unknown> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`the monitor has closed before it answered ${command}`);
      const reply = JSON.parse(value as string) as Reply;
      if (reply.error !== undefined) throw new Error(`${command}: ${reply.error.desc}`);
      if ("return" in reply) return reply.return;
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
