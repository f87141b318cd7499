import type { Loop, Transport, TransportListener } from "../../src/event/index.ts";

type Command = { readonly execute: string; readonly arguments: Record<string, unknown>; readonly id: number };

/**
 * The other end of a monitor: what is sent is collected, and the test says what comes back. Sending synchronously from
 * within `send` is allowed, as is everything else that a transport may do; `onClose` comes in a turn of its own, as the
 * real one's does.
 */
export class FakeQemu implements Transport {
  readonly backlog = 0;
  readonly commands: Command[] = [];
  onOpen: () => void = () => {};
  /** Hears every command as it is sent. */
  onCommand: (command: Command) => void = () => {};
  sentAfterClose = 0;
  readonly #loop: Loop;
  #listener: TransportListener | undefined;
  #closed = false;
  /** The monitor has closed it, or knows that QEMU has. */
  #isLeft = false;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  get closed(): boolean {
    return this.#closed;
  }

  open(listener: TransportListener): void {
    this.#listener = listener;
    this.onOpen();
  }

  send(bytes: Uint8Array): void {
    if (this.#isLeft) this.sentAfterClose++;
    if (this.#closed) return;
    for (const line of new TextDecoder().decode(bytes).trim().split("\n")) {
      const command = JSON.parse(line) as Command;
      this.commands.push(command);
      this.onCommand(command);
    }
  }

  pause(): void {}
  resume(): void {}

  close(cause?: Error): void {
    this.#isLeft = true;
    this.hangUp(cause);
  }

  /** QEMU closes its end. */
  hangUp(cause?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#loop.post(() => {
      this.#isLeft = true;
      this.#listener?.onClose(cause);
    });
  }

  /** Raw text arrives; nothing after close. */
  text(text: string): void {
    this.bytes(new TextEncoder().encode(text));
  }

  bytes(bytes: Uint8Array): void {
    if (!this.#closed) this.#listener?.onData(bytes, []);
  }

  json(...messages: unknown[]): void {
    this.text(messages.map((message) => `${JSON.stringify(message)}\r\n`).join(""));
  }

  greet(): void {
    this.json({ QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 }, package: "" }, capabilities: ["oob"] } });
  }

  /** Answers the last command, or the one with that id. */
  reply(value: unknown = {}, id = this.commands.at(-1)?.id): void {
    this.json({ return: value, id });
  }

  refuse(desc: string, id = this.commands.at(-1)?.id): void {
    this.json({ error: { class: "GenericError", desc }, id });
  }

  event(event: string, data: Record<string, unknown> = {}): void {
    this.json({ event, data, timestamp: { seconds: 1, microseconds: 500_000 } });
  }
}
