import { rmSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type Connection, type DomainEvent, type Gap, open } from "../../src/open/index.ts";
import { DaemonLife } from "./killed-daemon/daemon-life.ts";
import { UnreliableWay } from "./unreliable-way.ts";

/** What has come of a connection that was lost so often. */
export interface Reconnected {
  /** Lifecycle events in the order of their coming: of a domain that is suspended and resumed in turn. */
  readonly heard: readonly string[];
  readonly gaps: readonly Gap[];
  /** Calls that have not settled. */
  readonly pending: number;
  readonly made: number;
  /** Calls that were hit. */
  readonly failed: number;
  /** Bytes of live objects after a tenth of the losses, and after all. */
  readonly heap: readonly [early: number, late: number];
}

export interface Disturbances {
  /** How often the connection is cut in the middle of a message. */
  readonly cuts: number;
  /** How often the daemon is killed as by kill -9, spread among the cuts. */
  readonly kills: number;
}

/** Disturbs a connection to our daemon that is never idle, and whose events are to go on. `directory` is for both. */
export async function reconnecting({ cuts, kills }: Disturbances, directory: string): Promise<Reconnected> {
  const [target, path] = [join(directory, "daemon"), join(directory, "way")];
  // What has been told outlives the daemon.
  const name = `test:///default?state=${join(directory, "state")}`;
  let daemon = await begin(target, name);
  await using way = await UnreliableWay.open(path, target);
  const uri = `test+unix:///default?socket=${path}&state=${join(directory, "state")}`;
  try {
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
    const all = cuts + kills;
    for (let turn = 0; turn < all; turn++) {
      const { changed } = load;
      await load.until(() => load.changed > changed);
      // In the middle of whatever is under way: each time a little later.
      for (let rest = 0; rest < turn % 13; rest++) await new Promise((resolve) => setImmediate(resolve));
      if (Math.floor(((turn + 1) * kills) / all) > Math.floor((turn * kills) / all)) {
        daemon.kill();
        await daemon.ended;
        daemon = await begin(target, name);
      } else way.cut();
      if (turn === Math.floor(all / 10)) early = liveBytes();
    }
    load.stop();
    await working;
    const late = liveBytes();
    await hearLast(connection, heard);
    return { heard, gaps, pending: load.pending, made: load.made, failed: load.failed, heap: [early, late] };
  } finally {
    await daemon.end();
  }
}

async function begin(path: string, uri: string): Promise<DaemonLife> {
  rmSync(path, { force: true });
  const daemon = new DaemonLife(path, uri);
  if (!(await daemon.serves())) throw new Error(`the daemon has ended at once: ${daemon.warnings.join("; ")}`);
  return daemon;
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
