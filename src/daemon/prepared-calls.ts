import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";

/** What a client has said about a call before making it. */
export interface Preparation {
  /** From the arrival of the call; 0: it may take for ever. */
  readonly timeoutMs: number;
  readonly key: string | null;
}

/** So many may be announced at once. */
const limit = 1_024;

/** What one client has announced about calls that it has not made yet, by their serials. */
export class PreparedCalls {
  readonly #bySerial = new Map<number, Preparation>();

  /** Throws VirError for one too many. */
  add(serial: number, preparation: Preparation): void {
    if (this.#bySerial.size >= limit && !this.#bySerial.has(serial)) {
      const detail = `${limit} calls are prepared and not made: make them first`;
      throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.rpc, detail);
    }
    this.#bySerial.set(serial, preparation);
  }

  /** The announcement is used up by the call. */
  take(serial: number): Preparation | undefined {
    if (this.#bySerial.size === 0) return undefined;
    const found = this.#bySerial.get(serial);
    this.#bySerial.delete(serial);
    return found;
  }
}
