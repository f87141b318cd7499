import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";

/** What a client has said about a call before making it. */
export interface Preparation {
  /** From the arrival of the call; 0: it may take for ever. */
  readonly timeoutMs: number;
  readonly key: string | null;
}

/** So many may be announced at once. */
const limit = 1_024;
/** Of a key, in characters. */
const keyLimit = 255;

/** What one client has announced about calls that it has not made yet, by their serials. */
export class PreparedCalls {
  /** A refusal stands for what cannot be done: the call must not happen without it. */
  readonly #bySerial = new Map<number, Preparation | VirError>();

  /** Throws VirError for one too many, and for a key that is too long; the call is refused then as well. */
  add(serial: number, preparation: Preparation): void {
    if (this.#bySerial.size >= limit && !this.#bySerial.has(serial)) {
      const detail = `${limit} calls are prepared and not made: make them first`;
      throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.rpc, detail);
    }
    const refusal = refusalOf(preparation);
    this.#bySerial.set(serial, refusal ?? preparation);
    if (refusal !== undefined) throw refusal;
  }

  /** The announcement is used up by the call. Throws VirError when it was refused. */
  take(serial: number): Preparation | undefined {
    if (this.#bySerial.size === 0) return undefined;
    const found = this.#bySerial.get(serial);
    this.#bySerial.delete(serial);
    if (found instanceof VirError) throw found;
    return found;
  }
}

function refusalOf({ key }: Preparation): VirError | undefined {
  if (key === null || key.length <= keyLimit) return undefined;
  const detail = `the key has ${key.length} characters: at most ${keyLimit} may be`;
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.rpc, detail);
}
