import { Ready } from "../event/host.ts";
import type { Loop } from "../event/loop.ts";
import type { Watch } from "../event/watch.ts";
import * as libc from "./libc.ts";
import { acceptSocket } from "./socket.ts";
import {
  createSocketFile,
  passedSocketFile,
  removeSocketFile,
  type SocketFile,
  type SocketFileOptions,
} from "./socket-file.ts";
import { UnixTransport } from "./unix-transport.ts";

/** Told of each connection, which is idle and the callee's: to open, or to close. */
export type OnConnection = (connection: UnixTransport) => void;

export interface ListenOptions extends SocketFileOptions {
  /** Somebody else has opened the socket and keeps it: this is its descriptor, ours from here on. Its file stays. */
  readonly passed?: number | undefined;
}

/**
 * Serves `path`. A file left over by a daemon that died is replaced; StateError when the path is already served.
 */
export function listenUnix(
  loop: Loop,
  path: string,
  { passed, ...options }: ListenOptions,
  onConnection: OnConnection,
): UnixListener {
  const file = passed === undefined ? createSocketFile(path, options) : passedSocketFile(passed, path);
  try {
    return new UnixListener(loop, file, onConnection);
  } catch (error) {
    closeSocketFile(file);
    throw error;
  }
}

/** Connections taken in one turn, so that a crowd does not keep those already served waiting. */
const acceptLimit = 16;
/** How long to wait when no descriptor is free for one more connection. */
const exhaustedMs = 250;

/**
 * A listening Unix socket and its file.
 *
 *     listening -> closed
 *
 * pause, resume: listening. In between those who connect wait in the kernel's queue, as long as it has room.
 * close: listening -> closed; idempotent. The file goes at once if it is still ours, the descriptor when the watch has
 * been released. A loop that closes takes its listeners along.
 */
export class UnixListener {
  readonly path: string;
  readonly #loop: Loop;
  readonly #file: SocketFile;
  readonly #onConnection: OnConnection;
  readonly #watch: Watch;
  #paused = false;
  /** No descriptor was free for one more. */
  #exhausted = false;

  constructor(loop: Loop, file: SocketFile, onConnection: OnConnection) {
    this.path = file.path;
    this.#loop = loop;
    this.#file = file;
    this.#onConnection = onConnection;
    this.#watch = loop.watch(file.fd, Ready.readable, () => this.#accept(), {
      name: `listener on ${file.path}`,
      release: () => closeSocketFile(file),
    });
  }

  get state(): "listening" | "closed" {
    return this.#watch.state === "active" ? "listening" : "closed";
  }

  /** Resolves when the descriptor is given back. */
  get closed(): Promise<void> {
    return this.#watch.closed;
  }

  pause(): void {
    this.#paused = true;
    this.#ask();
  }

  resume(): void {
    this.#paused = false;
    this.#ask();
  }

  close(): void {
    if (this.state === "closed") return;
    removeSocketFile(this.#file);
    this.#watch.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  #accept(): void {
    for (let count = 0; count < acceptLimit && this.state === "listening" && !this.#paused; count++) {
      const fd = this.#next();
      if (fd === undefined) return;
      const connection = new UnixTransport(this.#loop, fd);
      try {
        this.#onConnection(connection);
      } catch (error) {
        connection.close();
        throw error;
      }
    }
  }

  /** The connection that cannot be taken stays ready: without a pause it would be tried in every turn. */
  #next(): number | undefined {
    try {
      return acceptSocket(this.#file.fd);
    } catch (error) {
      this.#exhaust(true);
      this.#loop.timeout(this.#loop.now() + exhaustedMs, () => this.#exhaust(false));
      throw error;
    }
  }

  #exhaust(exhausted: boolean): void {
    this.#exhausted = exhausted;
    this.#ask();
  }

  #ask(): void {
    this.#watch.modify(this.#paused || this.#exhausted ? Ready.none : Ready.readable);
  }
}

function closeSocketFile(file: SocketFile): void {
  removeSocketFile(file);
  libc.close(file.fd);
}
