import { createHash } from "node:crypto";
import { type Domain, ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";

/** How many calls are remembered; with more, the oldest are forgotten. */
const kept = 10_000;

interface Entry {
  readonly fingerprint: string;
  /** What the call has come to, or will. */
  readonly result: Promise<unknown>;
  readonly isGivenUp: () => boolean;
}

/** A call with a key. */
export interface KeyedCall {
  readonly key: string;
  /** The hypervisor it is made to: another one, of the same URI perhaps, has not done it. */
  readonly owner: object;
  /** Whose key it is, and of which call. */
  readonly scope: readonly (string | number)[];
  readonly args: unknown;
  /** It changes nothing: there is no harm in doing it again, and its result may be long. */
  readonly isReading: boolean;
  /** Whether its caller waits no more: what it fails with then is not for others. */
  readonly isGivenUp: () => boolean;
}

/**
 * Calls with a key: each happens once for as long as it is remembered, whoever sends it again gets what the first one
 * came to. One that fails is forgotten: sent again, it is tried again. One that only reads is remembered while it is
 * under way. When its caller has given it up, those who have joined it try it again themselves.
 */
export class Repeats {
  readonly #entries = new Map<string, Entry>();
  readonly #owners = new WeakMap<object, number>();
  #lastOwner = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** Throws VirError (invalidArg) when the key has been used with other arguments. */
  run(keyed: KeyedCall, call: () => unknown): Promise<unknown> {
    const { key, owner, scope, args, isReading, isGivenUp } = keyed;
    const name = JSON.stringify([this.#numberOf(owner), ...scope, key]);
    const fingerprint = createHash("sha256").update(textOf(args)).digest("base64");
    const known = this.#entries.get(name);
    if (known !== undefined && known.fingerprint !== fingerprint) throw reused(key);
    if (known !== undefined) {
      return known.result.catch((error: unknown) => {
        if (!known.isGivenUp() || isGivenUp()) throw error;
        return this.run(keyed, call);
      });
    }
    const result = (async () => call())();
    this.#remember(name, { fingerprint, result, isGivenUp }, isReading);
    return result;
  }

  #numberOf(owner: object): number {
    const number = this.#owners.get(owner) ?? ++this.#lastOwner;
    this.#owners.set(owner, number);
    return number;
  }

  #remember(name: string, entry: Entry, isReading: boolean): void {
    this.#entries.set(name, entry);
    // By the time it ends it may have been pushed out, and the name be another's.
    const forget = (): void => {
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
    };
    entry.result.then(isReading ? forget : () => {}, forget);
    if (this.#entries.size <= kept) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}

/**
 * Of a domain the uuid alone: that is what it is looked up by, and whoever sends the call again may have looked up the
 * domain again, with an id that the call itself has given it.
 */
function textOf(args: unknown): string {
  return JSON.stringify(args, (_, value: unknown) => {
    if (typeof value === "bigint") return { bigint: String(value) };
    if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
    return isDomain(value) ? { uuid: value.uuid } : value;
  });
}

function isDomain(value: unknown): value is Domain {
  if (typeof value !== "object" || value === null) return false;
  return "uuid" in value && "name" in value && "id" in value && Object.keys(value).length === 3;
}

function reused(key: string): VirError {
  const detail = `the key '${key}' was used with other arguments: use a new key for a new call`;
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.rpc, detail);
}
