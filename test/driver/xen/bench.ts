import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Guests, GuestsOptions, Told } from "../../../src/driver/xen/guests.ts";
import { Operations } from "../../../src/driver/xen/operations.ts";
import type { RunRecord } from "../../../src/driver/xen/run-record.ts";
import type { Definition, Domain } from "../../../src/model/index.ts";
import type { DomainEvent } from "../../../src/protocol/index.ts";
import { HandLoop } from "../../qmp/hand-host.ts";
import { FakeXen } from "./fake-xen.ts";

export const uuid = "04c6774c-a016-4ca7-8d75-9930f0bbbd69";

export function xml(more = ""): string {
  return (
    `<domain type='xen'><name>hello</name><uuid>${uuid}</uuid><memory>16384</memory><vcpu>2</vcpu>` +
    `<os><type>linux</type><kernel>/k</kernel></os>${more}</domain>`
  );
}

const words: Readonly<Record<string, string>> = {
  "0.0": "defined added",
  "0.1": "defined updated",
  "0.2": "defined renamed",
  "1.0": "undefined removed",
  "1.1": "undefined renamed",
  "2.0": "started booted",
  "2.2": "started restored",
  "3.0": "suspended paused",
  "4.0": "resumed unpaused",
  "5.0": "stopped shutdown",
  "5.1": "stopped destroyed",
  "5.2": "stopped crashed",
  "5.4": "stopped saved",
  "5.5": "stopped failed",
  "6.0": "shutdown finished",
  "8.0": "crashed panicked",
};

/** "started booted 3": a lifecycle event, with the number of the domain. */
export function wordsOf(event: DomainEvent): string {
  if (event.name !== "lifecycle") return event.name;
  const key = `${event.event}.${event.detail}`;
  return `${words[key] ?? key}${event.dom.id < 0 ? "" : ` ${event.dom.id}`}`;
}

/** What outlives a daemon: Xen itself, definitions and records. */
export class BenchWorld {
  readonly hand = new HandLoop();
  readonly directory = mkdtempSync(join(tmpdir(), "xen-bench-"));
  readonly stored = new Map<string, Definition>();
  readonly records = new Map<string, RunRecord>();
  /** What the next driver is told of those before it. */
  predecessors = Promise.resolve();
  /** Holds calls of that name back until it is resolved. */
  readonly gates = new Map<string, Promise<void>>();
  readonly xen = new FakeXen({
    turn: async (what) => {
      await this.gates.get(what);
    },
    later: (_what, act) => this.hand.loop.post(act),
  });

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The driver's operations on a fake Xen, in virtual time. */
export class Bench {
  readonly world: BenchWorld;
  readonly log: string[] = [];
  readonly reported: unknown[] = [];
  readonly operations: Operations;
  /** What the journal says of the domain. */
  told: Told = { isStarted: true, isEnded: false };
  /** Nobody has been told of anything before it is resolved. */
  toldGate: Promise<void> | undefined;

  constructor(world = new BenchWorld()) {
    this.world = world;
    const { hand, stored, records, directory, xen } = world;
    const options: GuestsOptions = {
      loop: hand.loop,
      xen,
      news: xen.asNews,
      predecessors: world.predecessors,
      store: {
        load: async () => ({ definitions: [...stored.values()], unreadable: [] }),
        save: async (definition) => void stored.set(definition.uuid, definition),
        remove: async (which) => void stored.delete(which),
      },
      records: {
        write: (record) => void records.set(record.definition.uuid, record),
        remove: (which) => void records.delete(which),
        readAll: () => [...records.values()],
        close: () => {},
      },
      freePort: async (first) => first,
      publish: (event) => void this.log.push(wordsOf(event)),
      told: async () => this.toldGate,
      toldOf: () => this.told,
      position: () => this.log.length,
      report: (error) => void this.reported.push(error),
    };
    const directories = { save: directory, dump: directory, autostart: join(directory, "a"), run: directory };
    this.operations = new Operations({ ...options, directories });
  }

  get records(): ReadonlyMap<string, RunRecord> {
    return this.world.records;
  }

  get guests(): Guests {
    return this.operations.guests;
  }

  get xen(): FakeXen {
    return this.world.xen;
  }

  get domain(): Domain {
    return this.guests.domains.byUuid(uuid);
  }

  /** "running 1 as 3": state, reason and number. */
  get status(): string {
    const { status, id } = this.domain;
    const state = ["nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed"][status.state];
    return `${state} ${status.reason}${id < 0 ? "" : ` as ${id}`}`;
  }

  get listed(): string[] {
    return Array.from(this.guests.domains, ({ name }) => name);
  }

  settle(): Promise<void> {
    return this.world.hand.settle();
  }

  /** Lets everything happen that can happen now, files included, and gives the result. */
  async done<T>(promise: Promise<T>): Promise<T> {
    const outcome = { isSettled: false };
    promise.then(
      () => Object.assign(outcome, { isSettled: true }),
      () => Object.assign(outcome, { isSettled: true }),
    );
    for (let rounds = 0; rounds < 50_000 && !outcome.isSettled; rounds++) await this.settle();
    if (!outcome.isSettled) assert.fail(`still waiting; so far: ${this.log.join(", ")}`);
    await this.settle();
    return promise;
  }

  /** The message of a rejection. */
  async refused(promise: Promise<unknown>): Promise<string> {
    return this.done(
      promise.then(
        () => "done",
        (error: Error) => error.message,
      ),
    );
  }

  async loaded(): Promise<this> {
    await this.done(this.guests.load());
    return this;
  }

  async running(more = ""): Promise<Domain> {
    await this.done(this.operations.define(xml(more), {}));
    await this.done(this.operations.start(this.domain, {}, {}));
    this.log.length = 0;
    return this.domain;
  }

  /** Nothing is left behind. */
  checkQuiet(): void {
    assert.equal(this.world.hand.loop.size, 0, "timers are left");
    assert.deepEqual(this.world.hand.errors, []);
    assert.deepEqual(this.reported, []);
    assert.deepEqual(this.xen.ids, [], "domains are left");
    assert.deepEqual([...this.world.records.keys()], [], "records are left");
    for (const domain of this.guests.domains) assert.ok(domain.jobs.isIdle, "a job is left");
    this.world.remove();
  }
}
