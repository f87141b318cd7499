import type { Breather } from "../event/index.ts";
import type { Header } from "../protocol/index.ts";
import type { Frame } from "./framer.ts";
import type { IncomingCall } from "./incoming-call.ts";

/** What a connection tells its owner, always from a turn of the loop. `onClose` comes exactly once and last. */
export interface ConnectionListener {
  /** The peer calls: answer `call`, now or later. Without it this is a client's end, and calls from a server are ignored. */
  onCall?(call: IncomingCall): void;
  /** Whether a call is handed on even when too many are under way: one that helps to end them. */
  isUrgent?(header: Header): boolean;
  /** The peer sent an event; `decodeEvent` reads it. */
  onEvent?(frame: Frame): void;
  /** Something has left: `isCongested` may be false again. */
  onRoom?(): void;
  /** A message that is for nobody here was ignored. */
  onIgnored?(header: Header): void;
  /** Without a cause when the peer or we closed in order. */
  onClose(cause?: Error): void;
}

export interface ConnectionOptions {
  /** Longest message that is read, in bytes. Longer ones end the connection. */
  readonly messageLength?: number;
  /** Calls of the peer that may be under way at once; more wait, and reading with them. Default 64. */
  readonly callsUnderWay?: number;
  /** Bytes that may wait for the peer to read them, beside one message of any length. More end the connection. Default 2 MiB. */
  readonly backlog?: number;
  /**
   * How long the peer may read nothing of what waits for it, in ms, while that is so much that its calls are held back.
   * Then the connection ends. Default: for ever, for a server may have its reasons.
   */
  readonly patienceMs?: number;
  /** Streams that may be open at once. More are refused. Default 64. */
  readonly streams?: number;
  /** Bytes of one stream, and of all, that may wait for their reader; with more, reading waits too. Default 1 and 4 MiB. */
  readonly unread?: { readonly ofOne: number; readonly ofAll: number };
  /** Whether the transport passes descriptors: Unix sockets do. Default false. */
  readonly passesFds?: boolean;
  /** Descriptors that may be with calls under way. More end the connection. Default 256. */
  readonly fdsUnderWay?: number;
  /** Closes descriptors that a peer has passed and nobody has taken. To be given where the transport can pass some. */
  readonly releaseFds?: (fds: readonly number[]) => void;
  /** Cuts the encoding of long replies. Default: one of its own; connections of one loop should share it. */
  readonly breather?: Breather;
}
