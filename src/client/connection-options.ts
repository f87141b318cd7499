import type { Loop, Transport } from "../event/index.ts";
import type { KeepaliveOptions } from "../rpc/index.ts";
import type { Auth } from "./sasl/credentials.ts";

/** How the other end is reached, as often as it has to be. */
export interface Connector {
  /** What calls and timers run on: the connection's own, closed with it. */
  readonly loop: Loop;
  /** What the server is asked to open: "qemu:///system"; null: what it likes. */
  readonly name: string | null;
  /** What it is reached by, as libvirt writes it: "qemu+ssh://there.example/system". Default: nobody knows. */
  readonly uri?: string;
  /** Nobody but the server hears what is said: passwords may be. Default: no. */
  readonly isPrivate?: boolean;
  /** Reaches it. Rejects with what is in the way, and then nothing is left. */
  connect(signal: AbortSignal): Promise<Transport>;
  /** The connection is closed for good. */
  close?(): Promise<void>;
}

export interface ConnectionOptions {
  /** Only calls that read are allowed. */
  readonly readOnly?: boolean;
  /** Who we are, where the server asks by SASL; a function is called each time the connection is opened. */
  readonly auth?: Auth;
  /** Gives opening up. */
  readonly signal?: AbortSignal;
  /** How long opening may take, in ms. Default 30,000. */
  readonly openTimeoutMs?: number;
  /** How long a call may take that does not say so itself, in ms. Default: as long as the connection lives. */
  readonly timeoutMs?: number;
  /** When a silent server is asked for a sign of life, and given up. Default: every 5 s, 5 times. */
  readonly keepalive?: KeepaliveOptions | "off";
  /**
   * When the connection is lost, it is opened again: calls made meanwhile wait. Those that were under way fail: nobody
   * knows what has come of them. Default: only where a subscription asks for it.
   */
  readonly reconnect?: boolean;
  /** For how long opening again is tried, in ms. Default 60,000. */
  readonly reconnectMs?: number;
}
