import type { Loop } from "../../../src/event/index.ts";
import { connectUnix } from "../../../src/os/index.ts";
import { remote } from "../../../src/protocol/index.ts";
import { Connection, clientOf, decodeEvent } from "../../../src/rpc/index.ts";

export type WatchedObject = "network" | "pool" | "device";

/**
 * A connection that is there for all of a script: libvirtd forgets its test hypervisor when the last one goes. It has
 * subscribed to every event that it could, and keeps them as lines: of which objects beside domains, its caller says.
 */
export class Watcher {
  readonly lines: string[] = [];
  readonly #connection: Connection;
  readonly #call;
  readonly #uri: string;
  readonly #objects: readonly WatchedObject[];

  constructor(
    loop: Loop,
    socket: string,
    uri = "test:///default",
    objects: readonly WatchedObject[] = uri.startsWith("test:") ? ["network", "pool", "device"] : [],
  ) {
    this.#uri = uri;
    this.#objects = objects;
    this.#connection = new Connection(loop, connectUnix(loop, socket));
    this.#call = clientOf(this.#connection, remote);
    this.#connection.open({
      onEvent: (frame) => {
        const event = decodeEvent(remote, frame);
        if (event !== undefined) this.lines.push(`${event.name} ${JSON.stringify(event.message, readable)}`);
      },
      onClose: () => {},
    });
  }

  async open(): Promise<void> {
    await this.#call.authList({});
    await this.#call.connectOpen({ name: this.#uri, flags: 0 });
    for (let eventId = 0; eventId < eventIds; eventId++) {
      await this.#call.connectDomainEventCallbackRegisterAny({ eventId, dom: null });
    }
    const has = (object: WatchedObject): boolean => this.#objects.includes(object);
    if (has("network")) await this.#call.connectNetworkEventRegisterAny({ eventId: 0, net: null });
    for (const eventId of [0, 1]) {
      if (has("pool")) await this.#call.connectStoragePoolEventRegisterAny({ eventId, pool: null });
      if (has("device")) await this.#call.connectNodeDeviceEventRegisterAny({ eventId, dev: null });
    }
  }

  /** All events of what was answered before are in `lines` then: one connection has one order. */
  async flush(): Promise<void> {
    await this.#call.connectGetType({});
  }

  close(): void {
    this.#connection.close();
  }
}

/** Of libvirt 9.0. */
const eventIds = 27;

/** Callback ids are each daemon's own. */
function readable(key: string, value: unknown): unknown {
  if (key === "callbackId") return undefined;
  return typeof value === "bigint" ? String(value) : value;
}
