import type { ByteChannel, Domain } from "../client/index.ts";

/** Listens to a guest's console, counts how often it says something, and types. */
export class ConsoleWatch implements AsyncDisposable {
  #console: ByteChannel | undefined;
  /** What is counted. */
  readonly wanted: string;
  #text = "";
  #count = 0;
  #isOver = false;
  #wake: () => void = () => {};

  private constructor(wanted: string) {
    this.wanted = wanted;
  }

  /** Never rejects: of a console that cannot be opened the last thing said is why. */
  static async open(domain: Domain, wanted: string, timeoutMs: number): Promise<ConsoleWatch> {
    const watch = new ConsoleWatch(wanted);
    try {
      watch.#console = await domain.openConsole(undefined, { flags: "force", timeoutMs });
    } catch (error) {
      watch.#text = `nothing, for it has no console: ${error instanceof Error ? error.message : String(error)}`;
      watch.#end();
      return watch;
    }
    watch.#listen(watch.#console).then(
      () => watch.#end(),
      () => watch.#end(),
    );
    return watch;
  }

  /** The last thing it has said. */
  get last(): string {
    return this.#text.trimEnd().slice(-200);
  }

  /** Whether it was said so often before `signal` and before the console was gone. */
  async heard(count: number, signal: AbortSignal | undefined): Promise<boolean> {
    while (this.#count < count && !this.#isOver && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal?.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    return this.#count >= count;
  }

  /** As if somebody typed it; nothing where no console could be opened. Rejects when the console is gone. */
  async type(text: string): Promise<void> {
    if (this.#console === undefined) return;
    const writer = this.#console.writable.getWriter();
    try {
      await writer.write(new TextEncoder().encode(text));
    } finally {
      writer.releaseLock();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#console?.abort();
  }

  async #listen(console: ByteChannel): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of console.readable) {
      this.#text += decoder.decode(bytes, { stream: true });
      for (let at = this.#text.indexOf(this.wanted); at >= 0; at = this.#text.indexOf(this.wanted)) {
        this.#count++;
        this.#text = this.#text.slice(at + this.wanted.length);
      }
      // What is looked for may stand across two pieces.
      this.#text = this.#text.slice(-2_000);
      this.#wake();
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }
}
