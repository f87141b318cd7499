import { createHash } from "node:crypto";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";

/** How many calls are remembered; with more, the oldest are forgotten. */
const kept = 10_000;

interface Entry {
  readonly fingerprint: string;
  /** What the call has come to, or will. */
  readonly result: Promise<unknown>;
}

/**
 * Calls with a key: each happens once for as long as it is remembered, whoever sends it again gets what the first one
 * came to. One that fails is forgotten: sent again, it is tried again.
 */
export class Repeats {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /**
   * `scope` says whose key it is and of which call, `args` are its bytes. Rejects with VirError (invalidArg) when the
   * key has been used with others.
   */
  run(key: string, scope: string, args: Uint8Array, call: () => unknown): Promise<unknown> {
    const name = `${scope} ${key}`;
    const fingerprint = createHash("sha256").update(args).digest("base64");
    const known = this.#entries.get(name);
    if (known !== undefined && known.fingerprint !== fingerprint) throw reused(key);
    if (known !== undefined) return known.result;
    const result = (async () => call())();
    this.#remember(name, { fingerprint, result });
    return result;
  }

  #remember(name: string, entry: Entry): void {
    this.#entries.set(name, entry);
    entry.result.catch(() => this.#entries.delete(name));
    if (this.#entries.size <= kept) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

function reused(key: string): VirError {
  const detail = `the key '${key}' was used with other arguments: use a new key for a new call`;
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.rpc, detail);
}
