import { Deferred, type Loop, type Transport } from "../../event/index.ts";
import { type Client, Lifecycle, remote, type Domain as WireDomain } from "../../protocol/index.ts";
import { type CallOptions, Connection, clientOf, decodeEvent, type Stream } from "../../rpc/index.ts";

/** How long opening may take. */
const openingMs = 30_000;

/**
 * A client's session with a hypervisor, over whatever transport.
 *
 *     open -> closed      (by us, or when the daemon goes)
 */
export class HypervisorSession implements Disposable {
  readonly call: Client<typeof remote.procedures, CallOptions, Stream>;
  /** Settles when the connection is over: rejects with the cause when that was not our doing. */
  readonly lost: Promise<never>;
  readonly #connection: Connection;
  readonly #stopped = new Map<string, Deferred<number>>();

  private constructor(loop: Loop, transport: Transport) {
    const lost = new Deferred<never>();
    this.lost = lost.promise;
    this.lost.catch(() => undefined);
    this.#connection = new Connection(loop, transport);
    this.#connection.open({
      onEvent: (frame) => {
        const event = decodeEvent(remote, frame);
        if (event?.name !== "domainEventCallbackLifecycle") return;
        const { dom, event: what, detail } = event.message.msg;
        if (what === Lifecycle.stopped.event) this.#ending(dom.uuid).resolve(detail);
      },
      onClose: (cause) => lost.reject(cause ?? new Error("the daemon has ended the connection")),
    });
    this.call = clientOf(this.#connection, remote);
  }

  /** Rejects with VirError, or when the connection ends. */
  static async open(loop: Loop, transport: Transport, uri: string): Promise<HypervisorSession> {
    const session = new HypervisorSession(loop, transport);
    try {
      const options = { timeoutMs: openingMs };
      await session.call.authList({}, options);
      await session.call.connectOpen({ name: uri, flags: 0 }, options);
      await session.call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom: null }, options);
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** Resolves when a run of the domain ends after this session was opened: with its detail, of Lifecycle.stopped. */
  stopped({ uuid }: WireDomain): Promise<number> {
    return this.#ending(uuid).promise;
  }

  /** Idempotent. */
  close(): void {
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #ending(uuid: string): Deferred<number> {
    const known = this.#stopped.get(uuid) ?? new Deferred<number>();
    this.#stopped.set(uuid, known);
    return known;
  }
}
