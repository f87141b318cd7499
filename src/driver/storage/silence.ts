import { Deferred, type Loop } from "../../event/index.ts";

/** So long a client may say nothing before it stands in nobody's way any more. */
const limitMs = 5_000;

/** Whether somebody who is waited for has let that last too long, once. */
export class Silence {
  readonly #loop: Loop;
  readonly #lasted = new Deferred();

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Resolves when one of the waits has taken that long. */
  get lasted(): Promise<void> {
    return this.#lasted.promise;
  }

  /** Goes on waiting whatever happens. */
  async during<T>(wait: Promise<T>): Promise<T> {
    const timeout = this.#loop.timeout(this.#loop.now() + limitMs, () => this.#lasted.resolve());
    try {
      return await wait;
    } finally {
      timeout.remove();
    }
  }
}
