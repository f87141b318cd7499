import { type Client, ErrorCode, ErrorDomain, remote, VirError, virtwright } from "../protocol/index.ts";
import { type AbortSignalLike, type CallOptions, type Connection, clientOf } from "../rpc/index.ts";

/** What a server may promise beyond libvirt's wire. */
export type ExtensionName = "deadline" | "cancel" | "key" | "cursor" | "snapshot" | "faults";

/** How a call is to be made, where the server can. */
export interface ExtendedCall {
  /** The server gives the call up after so long, and this end does at the latest then. */
  readonly timeoutMs?: number;
  /** Aborting cancels the call on the server. */
  readonly signal?: AbortSignalLike;
  /** The call happens once, however often it is made with this key. */
  readonly key?: string;
  /** Descriptors that go along. */
  readonly fds?: readonly number[];
}

const meaning: Readonly<Record<ExtensionName, string>> = {
  deadline: "a deadline that the server keeps",
  cancel: "cancelling a call on the server",
  key: "a call that happens once however often it is sent",
  cursor: "events from a cursor, with their gaps",
  snapshot: "everything about all domains in one call, with its age",
  faults: "faults in the simulator",
};

/**
 * What a server can do beyond libvirt's wire: asked once, when connected. Someone else's server can do nothing of it; then
 * deadlines and signals end the wait at this end alone, and what cannot be had without the server is refused with the reason.
 */
export class Extensions {
  readonly #own: Client<typeof virtwright.procedures, CallOptions>;
  readonly #kept: ReadonlySet<string>;
  /** Why something is missing. */
  readonly #reason: string;

  private constructor(connection: Connection, kept: ReadonlySet<string>, reason: string) {
    this.#own = clientOf(connection, virtwright);
    this.#kept = kept;
    this.#reason = reason;
  }

  /** Rejects when the connection ends, and with what `options` end the wait by. */
  static async probe(connection: Connection, options: CallOptions = {}): Promise<Extensions> {
    try {
      const { version, promises } = await connection.call(virtwright, "hello", {}, options);
      return new Extensions(
        connection,
        new Set(promises),
        `the server is virtwright ${version}, which does not have it`,
      );
    } catch (error) {
      // Whoever does not know the program says so in an error of its own.
      if (!(error instanceof VirError) || error.code !== ErrorCode.rpc) throw error;
      return new Extensions(connection, new Set(), await describeForeign(connection, options));
    }
  }

  has(name: ExtensionName): boolean {
    return this.#kept.has(name);
  }

  /** Throws VirError (noSupport) that says what is missing, and why. */
  need(name: ExtensionName): void {
    if (this.has(name)) return;
    const detail = `${meaning[name]} is not to be had: ${this.#reason}`;
    throw VirError.of(ErrorCode.noSupport, ErrorDomain.remote, detail);
  }

  /** Makes one call: `make` hands the options on to it. Rejects as the call does, and like `need("key")`. */
  run<T>(call: ExtendedCall, make: (options: CallOptions) => Promise<T>): Promise<T> {
    const { signal, key, timeoutMs } = call;
    if (key === undefined && (this.#kept.size === 0 || (signal === undefined && timeoutMs === undefined)))
      return make(call);
    return this.#extend(call, make);
  }

  async #extend<T>(call: ExtendedCall, make: (options: CallOptions) => Promise<T>): Promise<T> {
    const { signal, key, ...local } = call;
    if (key !== undefined) this.need("key");
    const plain = signal === undefined ? local : { ...local, signal };
    let serial: number | undefined;
    let announced: Promise<unknown> | undefined;
    const cancel = (): void => {
      if (serial !== undefined) this.#own.callCancel({ serial }).catch(() => {});
    };
    signal?.addEventListener("abort", cancel);
    try {
      const result = await make({
        ...plain,
        onSerial: (issued) => {
          serial = issued;
          announced = this.#announce(issued, call);
        },
      });
      // Its reply was there before. If it was refused, the call was made without what was asked for.
      await announced;
      return result;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Goes out right before the call. */
  #announce(serial: number, { timeoutMs: given = 0, key }: ExtendedCall): Promise<unknown> | undefined {
    // A whole number on the wire.
    const timeoutMs = Number.isFinite(given) ? Math.min(Math.max(Math.ceil(given), 0), 0xffff_ffff) : 0;
    if (timeoutMs === 0 && key === undefined) return undefined;
    const announced = this.#own.callPrepare({ serial, timeoutMs, key: key ?? null });
    announced.catch(() => {});
    return announced;
  }
}

async function describeForeign(connection: Connection, options: CallOptions): Promise<string> {
  const { libVer } = await connection.call(remote, "connectGetLibVersion", {}, options).catch(() => ({ libVer: 0n }));
  const version =
    libVer === 0n ? "" : ` (libvirt ${libVer / 1_000_000n}.${(libVer / 1_000n) % 1_000n}.${libVer % 1_000n})`;
  return `the server is not virtwright's${version}, and libvirt's protocol has no call for it`;
}
