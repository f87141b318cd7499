import type { Socket } from "node:net";

/**
 * Sockets that have connected and not yet shown what they want. When there are too many, the oldest goes: who is serious is
 * through in a fraction of a second.
 */
export class WaitingRoom {
  readonly #limit: number;
  readonly #onDropped: (address: string) => void;
  /** By address, the oldest first. */
  readonly #sockets = new Map<string, Socket>();

  constructor(limit: number, onDropped: (address: string) => void) {
    this.#limit = limit;
    this.#onDropped = onDropped;
  }

  enter(socket: Socket): void {
    const address = addressOf(socket);
    this.#sockets.set(address, socket);
    socket.on("close", () => this.#sockets.delete(address));
    const [oldest] = this.#sockets;
    if (this.#sockets.size <= this.#limit || oldest === undefined) return;
    this.#sockets.delete(oldest[0]);
    oldest[1].destroy();
    this.#onDropped(oldest[0]);
  }

  /** It goes on; a TLS socket counts as the one below it. */
  leave(socket: Socket): void {
    this.#sockets.delete(addressOf(socket));
  }

  clear(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}

/** How long one who is refused may take to hear it. */
const lastWordsMs = 500;

/** A client that is told the end in order says why, and not the line. One that does not hear it keeps no descriptor of ours. */
export function dismiss(socket: Socket, lastWords?: string): void {
  socket.on("error", () => {});
  // No words at all are not the same as none: TLS would send a record of them, which libvirt's clients take for a verdict.
  if (lastWords === undefined) socket.end();
  else socket.end(lastWords);
  socket.resume();
  setTimeout(() => socket.destroy(), lastWordsMs).unref();
}

export function addressOf({ remoteAddress = "somebody", remotePort = 0 }: Socket): string {
  const address = remoteAddress.replace(/^::ffff:(?=[\d.]+$)/, "");
  return address.includes(":") ? `[${address}]:${remotePort}` : `${address}:${remotePort}`;
}
