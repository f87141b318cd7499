import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A way to a daemon's socket on which connections break: in the middle of a message, where one is under way. */
export class UnreliableWay implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: string;
  readonly #pairs = new Set<Pair>();

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.#target = target;
  }

  /** Serves `path`, and leads to `target`. */
  static async open(path: string, target: string): Promise<UnreliableWay> {
    const server = createServer();
    const way = new UnreliableWay(server, target);
    server.on("connection", (socket) => way.#accept(socket));
    server.listen(path);
    await once(server, "listening");
    return way;
  }

  /** Of what comes next, from either side, half arrives; then both ends are gone. After a moment without anything: at once. */
  cut(): void {
    for (const pair of this.#pairs) pair.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) pair.end();
    this.#server.close();
  }

  #accept(near: Socket): void {
    const pair: Pair = new Pair(near, connect(this.#target), () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
  }
}

/** How long a message is waited for, in ms. */
const patienceMs = 20;

class Pair {
  readonly #ends: readonly [Socket, Socket];
  readonly #onEnd: () => void;
  #isCut = false;

  constructor(near: Socket, far: Socket, onEnd: () => void) {
    this.#ends = [near, far];
    this.#onEnd = onEnd;
    this.#lead(near, far);
    this.#lead(far, near);
  }

  cut(): void {
    this.#isCut = true;
    setTimeout(() => this.end(), patienceMs);
  }

  end(): void {
    for (const end of this.#ends) end.destroy();
    this.#onEnd();
  }

  #lead(from: Socket, to: Socket): void {
    from.on("data", (bytes: Buffer) => {
      if (this.#isCut) to.write(bytes.subarray(0, bytes.length >> 1), () => this.end());
      else to.write(bytes);
    });
    for (const event of ["error", "close"]) from.on(event, () => this.end());
  }
}
