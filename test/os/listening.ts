import type { TransportListener } from "../../src/event/index.ts";
import type { UnixTransport } from "../../src/os/index.ts";

/** Opens a connection and notes what it hears. */
export class Listening implements TransportListener {
  readonly connection: UnixTransport;
  /** All bytes so far. */
  received = "";
  readonly fds: number[] = [];
  drains = 0;
  /** One entry for each onClose. */
  readonly closes: (Error | undefined)[] = [];
  readonly #waiting: { met: () => boolean; resolve: () => void }[] = [];
  readonly #onData: (heard: Listening) => void;

  constructor(connection: UnixTransport, onData: (heard: Listening) => void = () => {}) {
    this.connection = connection;
    this.#onData = onData;
    connection.open(this);
  }

  onData(bytes: Uint8Array, fds: readonly number[]): void {
    this.received += Buffer.from(bytes).toString("latin1");
    this.fds.push(...fds);
    this.#onData(this);
    this.#look();
  }

  onDrain(): void {
    this.drains++;
    this.#look();
  }

  onClose(cause?: Error): void {
    this.closes.push(cause);
    this.#look();
  }

  /** Resolves when `met` is true after something was heard. */
  until(met: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ met, resolve });
      this.#look();
    });
  }

  #look(): void {
    for (const { met, resolve } of this.#waiting) if (met()) resolve();
  }
}
