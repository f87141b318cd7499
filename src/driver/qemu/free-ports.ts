import { createServer } from "node:net";
import type { Loop } from "../../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";

const last = 65_535;

/** Finds TCP ports for guests. One that was given away is not given again while its guest may still be starting. */
export class FreePorts {
  readonly #loop: Loop;
  readonly #holdMs: number;
  readonly #canListen: (port: number) => Promise<boolean>;
  readonly #given = new Map<number, number>();

  /** `holdMs`: how long a guest may take until it has its port. */
  constructor(loop: Loop, holdMs: number, isFree: (port: number) => Promise<boolean> = canListen) {
    this.#loop = loop;
    this.#holdMs = holdMs;
    this.#canListen = isFree;
  }

  /** Whether nobody listens on it. */
  isFree(port: number): Promise<boolean> {
    return this.#canListen(port);
  }

  /** A free port from `first` on. Rejects with VirError when there is none. */
  async take(first: number): Promise<number> {
    for (let port = first; port <= last; port++) {
      if ((this.#given.get(port) ?? -Infinity) > this.#loop.now()) continue;
      // Before it is tried: nobody else gets it meanwhile.
      this.#given.set(port, this.#loop.now() + this.#holdMs);
      if (await this.#canListen(port)) return port;
      this.#given.delete(port);
    }
    const detail = `Unable to find an unused port in range '${first}-${last}'`;
    throw VirError.of(ErrorCode.internalError, ErrorDomain.none, detail);
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "0.0.0.0", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
