/** Ctrl-], as in virsh. */
const leaveKey = 0x1d;

/** A guest's console: what it prints, and where keys go. */
export interface BytesOfConsole extends AsyncIterable<Uint8Array> {
  write(bytes: Uint8Array): Promise<unknown>;
}

/** A terminal, or what stands for one. */
export interface TerminalStreams {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
}

/**
 * This terminal as a guest's console.
 *
 *     open -> closed
 *
 * open:  every key goes to the guest but Ctrl-], which asks to leave.
 * close: open -> closed: the terminal is as it was. Idempotent.
 */
export class ConsoleTerminal implements Disposable {
  /** Resolves with Ctrl-]. */
  readonly left: Promise<void>;
  readonly #streams: TerminalStreams;
  readonly #leave: () => void;
  readonly #onData = (bytes: Buffer): void => this.#type(bytes);
  #stream: BytesOfConsole | undefined;
  #typed: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(streams: TerminalStreams) {
    this.#streams = streams;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.left = promise;
    this.#leave = resolve;
    const { input } = streams;
    if (input.isTTY) input.setRawMode(true);
    input.on("data", this.#onData);
    // Who had the terminal before may have paused it.
    input.resume();
  }

  /** Shows what the guest prints until its console ends; rejects when it is lost. Keys go to it from here on. */
  async show(stream: BytesOfConsole): Promise<void> {
    this.#stream = stream;
    for await (const bytes of stream) {
      await new Promise<void>((written) => this.#streams.output.write(bytes, () => written()));
    }
  }

  close(): void {
    this.#isClosed = true;
    const { input } = this.#streams;
    input.off("data", this.#onData);
    if (input.isTTY) input.setRawMode(false);
    input.pause();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #type(bytes: Buffer): void {
    const at = bytes.indexOf(leaveKey);
    const keys = at < 0 ? bytes : bytes.subarray(0, at);
    if (keys.length > 0) this.#send(keys);
    if (at >= 0) this.#leave();
  }

  /** What cannot be sent any more is nobody's loss: that the console ends is seen by who shows it. */
  #send(keys: Uint8Array): void {
    const { input } = this.#streams;
    input.pause();
    this.#typed = this.#typed
      .then(() => this.#stream?.write(keys))
      .catch(() => undefined)
      .finally(() => {
        // What is typed from then on is somebody else's.
        if (!this.#isClosed) input.resume();
      });
  }
}
