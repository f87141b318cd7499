import type { Daemon, Origin } from "../../src/daemon/index.ts";
import type { Loop, Transport } from "../../src/event/index.ts";
import {
  type Client,
  type Cursor,
  eventProcedures,
  type Procedure,
  remote,
  virtwright,
} from "../../src/protocol/index.ts";
import {
  type CallOptions,
  Connection,
  clientOf,
  decodeEvent,
  pairInMemory,
  type ReceivedEvent,
  type Stream,
} from "../../src/rpc/index.ts";
import { decode } from "../../src/xdr/index.ts";

type Received = ReceivedEvent<typeof virtwright.procedures>;

/** A domain event as it came: of which subscription, its place, its row, and what it says. */
export interface Told {
  readonly callbackId: number;
  readonly sequence: number;
  readonly position: Cursor;
  readonly row: string;
  readonly content: Record<string, unknown>;
}

const rows = new Map(Object.entries<Procedure>(eventProcedures).map(([name, row]) => [row.number, { name, row }]));

/** A client that speaks our own program beside libvirt's, over memory. */
export class OwnClient {
  readonly call: Client<typeof remote.procedures, CallOptions, Stream>;
  readonly own: Client<typeof virtwright.procedures, CallOptions>;
  readonly connection: Connection;
  /** This end, to be paused; and the daemon's, to look at what waits there. */
  readonly transport: Transport;
  readonly daemonTransport: Transport;
  /** In short, in the order of arrival: "0 #3 name" for an event, "0 gap 1-2" for a gap. */
  readonly heard: string[] = [];
  readonly told: Told[] = [];
  /** Called for each event, inside its delivery. */
  onHeard: () => void = () => {};
  /** Of the last event or gap. */
  position: Cursor | undefined;
  /** Once the connection is over. */
  readonly closed: (Error | undefined)[] = [];

  constructor(loop: Loop, daemon: Daemon, origin?: Origin) {
    const [near, far] = pairInMemory(loop);
    daemon.accept(near, origin);
    this.daemonTransport = near;
    this.transport = far;
    this.connection = new Connection(loop, far);
    this.connection.open({
      onEvent: (frame) => {
        const event = decodeEvent(virtwright, frame);
        if (event !== undefined) this.#hear(event);
      },
      onClose: (cause) => this.closed.push(cause),
    });
    this.call = clientOf(this.connection, remote);
    this.own = clientOf(this.connection, virtwright);
  }

  /** From a cursor, of all domains and kinds; null: from now on. */
  subscribe(cursor: Cursor | null, eventIds: readonly number[] = []) {
    return this.own.eventsOpen({ cursor, eventIds, dom: null });
  }

  #hear(event: Received): void {
    this.position = event.message.position;
    if (event.name === "eventsGap") {
      const { callbackId, gap } = event.message;
      this.heard.push(`${callbackId} gap ${gap.from}-${gap.to}`);
      return;
    }
    const { callbackId, position, procedure, message } = event.message;
    const { sequence } = position;
    const { name, row } = rows.get(procedure) as { name: string; row: Procedure };
    const decoded = row.kind === "event" ? decode<unknown>(row.message, message) : {};
    const { msg, ...rest } = decoded as Record<string, unknown>;
    const content = (msg ?? rest) as Told["content"];
    this.told.push({ callbackId, sequence: Number(sequence), position, row: name, content });
    this.heard.push(`${callbackId} #${sequence} ${(content["dom"] as { name: string }).name}`);
    this.onHeard();
  }
}
