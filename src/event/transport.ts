/** What a transport tells its user, once it is open. `onClose` comes exactly once and last. */
export interface TransportListener {
  /** Bytes in order; `fds` are descriptors passed with them, now the listener's to close. */
  onData(bytes: Uint8Array, fds: readonly number[]): void;
  /** All that was sent has left: `backlog` is 0 again. */
  onDrain?(): void;
  /** The connection is over: without a cause when the peer or we closed it in order. */
  onClose(cause?: Error): void;
}

/**
 * A connection that carries bytes both ways: the one door of rpc, qmp and xenstore.
 *
 *     idle -> open -> closed
 *
 * open:  idle -> open, and the listener hears from the next turn on.
 * send:  open; queued and sent in order, never waits. Ignored once closed, so that a reply may race with a hang-up.
 * close: any -> closed; idempotent. What was sent before is flushed as far as the peer takes it without waiting.
 */
export interface Transport {
  /** Bytes accepted by `send` and not yet taken by the kernel. */
  readonly backlog: number;
  open(listener: TransportListener): void;
  /** `fds` are passed along where the transport can (Unix sockets), else StateError; they stay the caller's. */
  send(bytes: Uint8Array, fds?: readonly number[]): void;
  /** Stops and resumes reading: back-pressure towards the peer. */
  pause(): void;
  resume(): void;
  close(cause?: Error): void;
}
