import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Connection, type DomainEvent, type Gap, open } from "../../src/open/index.ts";
import { Ways } from "./client-ways.ts";

/** What has come of a connection that was cut so often. */
export interface Reconnected {
  /** Lifecycle events in the order of their coming: of a domain that is suspended and resumed in turn. */
  readonly heard: readonly string[];
  readonly gaps: readonly Gap[];
  /** Calls that have not settled. */
  readonly pending: number;
  readonly made: number;
  /** Calls that were hit. */
  readonly failed: number;
  /** Bytes of live objects after a tenth of the cuts, and after all. */
  readonly heap: readonly [early: number, late: number];
}

/** Cuts a connection to our daemon that is never idle, and whose events are to go on. `directory` is for its socket. */
export async function reconnecting(cuts: number, directory: string): Promise<Reconnected> {
  await using ways = new Ways(directory);
  const uri = `test+unix:///default?socket=${await ways.unix("sock")}`;
  await using connection = await open(uri, { reconnect: true, keepalive: "off" });
  await using events = connection.events("lifecycle", { reconnect: true });
  await events.ready;
  const heard: string[] = [];
  const gaps: Gap[] = [];
  events.on((event: DomainEvent | Gap) => {
    if (event.name === "gap") gaps.push(event);
    else if (event.name === "lifecycle") heard.push(event.event);
  });
  const load = new Load(connection);
  const working = load.run();
  let early = 0;
  for (let cut = 0; cut < cuts; cut++) {
    const { changed } = load;
    await load.until(() => load.changed > changed);
    // In the middle of whatever is under way: each time a little later.
    for (let turn = 0; turn < cut % 13; turn++) await new Promise((resolve) => setImmediate(resolve));
    ways.cut();
    if (cut === Math.floor(cuts / 10)) early = liveBytes();
  }
  load.stop();
  await working;
  const late = liveBytes();
  await hearLast(connection, heard);
  return { heard, gaps, pending: load.pending, made: load.made, failed: load.failed, heap: [early, late] };
}

/** What was done before is heard before what is done now. */
async function hearLast(connection: Connection, heard: readonly string[]): Promise<void> {
  const test = await connection.domain("test");
  const { state } = await test.status();
  const before = heard.length;
  await (state === "paused" ? test.resume() : test.suspend());
  const deadline = performance.now() + 30_000;
  while (heard.length === before && performance.now() < deadline) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function liveBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

/** Suspends and resumes a domain as fast as it goes, beside calls that only ask. */
class Load {
  readonly #connection: Connection;
  made = 0;
  changed = 0;
  failed = 0;
  pending = 0;
  #isOver = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async run(): Promise<void> {
    const asking = this.#ask();
    while (!this.#isOver) {
      await this.#count(async () => {
        const test = await this.#connection.domain("test");
        const { state } = await test.status();
        await (state === "paused" ? test.resume() : test.suspend());
        this.changed++;
      });
    }
    await asking;
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Looks in every turn; the test's own deadline ends it. */
  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) await new Promise((resolve) => setImmediate(resolve));
  }

  async #ask(): Promise<void> {
    while (!this.#isOver) {
      const asked = Array.from({ length: 8 }, () => this.#count(() => this.#connection.getCapabilities()));
      await Promise.all(asked);
    }
  }

  async #count(make: () => Promise<unknown>): Promise<void> {
    this.pending++;
    try {
      await make();
    } catch {
      this.failed++;
    } finally {
      this.pending--;
      this.made++;
    }
  }
}
