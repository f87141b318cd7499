import type { Loop } from "../event/index.ts";
import { LibxlError } from "./error.ts";
import type { Generator, LibraryEvent } from "./library.ts";

/**
 * Events of one domain, told from the loop until it is removed.
 *
 *     watching -> removed
 *
 * A death may be told after `destroy` has resolved: who wants to hear of it waits for it before removing.
 * remove: watching -> removed; idempotent. Afterwards the listener is not called again, whatever has happened already.
 */
export class DomainWatch {
  #generator: Generator | undefined;
  #state: "watching" | "removed" = "watching";
  readonly #onRemoved: (watch: DomainWatch) => void;

  constructor(
    loop: Loop,
    call: string,
    enable: (tell: (event: LibraryEvent) => void) => Generator | number,
    listener: (event: LibraryEvent) => unknown,
    onRemoved: (watch: DomainWatch) => void,
  ) {
    this.#onRemoved = onRemoved;
    const generator = enable((event) => {
      loop.post(() => (this.#state === "watching" ? listener(event) : undefined));
    });
    if (typeof generator === "number") throw new LibxlError(generator, call);
    this.#generator = generator;
  }

  get state(): "watching" | "removed" {
    return this.#state;
  }

  remove(): void {
    if (this.#state === "removed") return;
    this.#state = "removed";
    this.#generator?.disable();
    this.#onRemoved(this);
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}
