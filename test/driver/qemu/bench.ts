import assert from "node:assert/strict";
import { Publisher } from "../../../src/driver/publisher.ts";
import { completionFor } from "../../../src/driver/qemu/definition/complete.ts";
import type { Guests } from "../../../src/driver/qemu/guests.ts";
import { Operations, type OperationsOptions } from "../../../src/driver/qemu/operations.ts";
import type { RunRecord } from "../../../src/driver/qemu/run-record.ts";
import type { Told } from "../../../src/driver/qemu/told.ts";
import { StateError } from "../../../src/event/index.ts";
import type { Definition, Domain } from "../../../src/model/index.ts";
import type { DomainEvent, VirError, Domain as WireDomain } from "../../../src/protocol/index.ts";
import { HandLoop } from "../../qmp/hand-host.ts";
import { FakeHost } from "./fake-host.ts";

export const uuid = "04c6774c-a016-4ca7-8d75-9930f0bbbd69";

export function xml(name = "hello", id = uuid): string {
  return `<domain type='qemu'><name>${name}</name><uuid>${id}</uuid><memory>1024</memory><os><type>hvm</type></os></domain>`;
}

/** Ways to ask a guest to end. */
export const byButton = { powerButton: true, agent: false };
export const byAgent = { powerButton: false, agent: true };

const names: Readonly<Record<string, string>> = {
  "0.0": "defined added",
  "0.1": "defined updated",
  "1.0": "undefined removed",
  "2.0": "started booted",
  "3.0": "suspended paused",
  "4.0": "resumed unpaused",
  "5.0": "stopped shutdown",
  "5.1": "stopped destroyed",
  "5.5": "stopped failed",
  "6.0": "shutdown finished",
  "6.1": "shutdown guest",
  "6.2": "shutdown host",
};

function wordsOf(event: DomainEvent): string {
  if (event.name !== "lifecycle") return event.name;
  const key = `${event.event}.${event.detail}`;
  return names[key] ?? key;
}

/** The driver's operations on fake processes, in virtual time, with definitions and records in memory. */
export class Bench {
  readonly hand = new HandLoop();
  readonly host = new FakeHost(this.hand.loop);
  /** What happened: events as "started booted", and what else the test notes down. */
  readonly log: string[] = [];
  readonly reported: unknown[] = [];
  readonly stored = new Map<string, Definition>();
  readonly records = new Map<string, RunRecord>();
  /** The records may be another driver's. */
  isGivenBack = false;
  readonly publisher = new Publisher<{ domain: WireDomain; what: string }>((error) => this.reported.push(error));
  /** Holds the next writes of definitions back. */
  storeGate: Promise<void> | undefined;
  planFailure: Error | undefined;
  /** Until it is resolved, what is told is not safe on the disk. */
  toldGate: Promise<void> | undefined;
  /** What the daemon before has told of the domain. */
  toldBefore: Told | undefined;
  readonly options: OperationsOptions = {
    toldOf: () => this.toldBefore ?? { isStarted: true, isEnded: false, isPaused: false },
    loop: this.hand.loop,
    host: this.host,
    startTimeoutMs: 60_000,
    terminateMs: 10_000,
    store: {
      load: async () => ({ definitions: [...this.stored.values()], unreadable: [] }),
      save: async (definition) => {
        await this.storeGate;
        this.stored.set(definition.uuid, definition);
      },
      remove: async (uuid) => {
        await this.storeGate;
        this.stored.delete(uuid);
      },
    },
    records: {
      monitorPath: (uuid) => `/run/${uuid}`,
      channelDirectory: (uuid) => `/run/${uuid}.channels`,
      checkFree: (uuid) => {
        if (this.records.has(uuid)) throw new StateError("there is a record");
      },
      close: () => {
        this.isGivenBack = true;
      },
      write: (record) => this.records.set(record.definition.uuid, record),
      remove: (uuid) => this.records.delete(uuid),
      readAll: () => [...this.records.values()],
    },
    complete: completionFor({ version: 7_002_000n, nvramDirectory: "/nvram" }),
    partsOptions: () => ({ directory: "/run", stateDirectory: "/state", nowMs: 0 }),
    plan: async (definition) => {
      if (this.planFailure !== undefined) throw this.planFailure;
      return { definition, binary: "qemu", args: [], monitorPath: `/run/${definition.uuid}`, logPath: "/log" };
    },
    publish: (event) => {
      this.publisher.publish({ domain: event.dom, what: wordsOf(event) });
      return this.toldGate;
    },
    directories: { save: "/nowhere", dump: "/nowhere", autostart: "/nowhere", run: "/nowhere" },
    report: (error) => this.reported.push(error),
  };
  readonly operations = new Operations(this.options);
  readonly guests: Guests = this.operations.guests;

  readonly domains = this.guests.domains;

  constructor() {
    this.publisher.subscribe(({ what }) => this.log.push(what));
  }

  get domain(): Domain {
    return this.domains.byUuid(uuid);
  }

  /** "shutoff 2" and so on: state and reason. */
  get status(): string {
    const { state, reason } = this.domain.status;
    return `${["nostate", "running", "blocked", "paused", "shutdown", "shutoff"][state]} ${reason}`;
  }

  get listed(): string[] {
    return Array.from(this.domains, ({ name }) => name);
  }

  /** Lets everything happen that can happen now, and gives the result; an unsettled promise fails the test. */
  async done<T>(promise: Promise<T>): Promise<T> {
    const outcome = this.watch(promise);
    await this.hand.settle();
    if (!outcome.isSettled) assert.fail(`still waiting; so far: ${this.log.join(", ")}`);
    return promise;
  }

  /** The message of a rejection, or "ok", once settled. */
  watch(promise: Promise<unknown>): { isSettled: boolean; result: string | undefined; error: VirError | undefined } {
    const outcome = {
      isSettled: false,
      result: undefined as string | undefined,
      error: undefined as VirError | undefined,
    };
    promise.then(
      () => Object.assign(outcome, { isSettled: true, result: "ok" }),
      (error: VirError) => Object.assign(outcome, { isSettled: true, result: error.message, error }),
    );
    return outcome;
  }

  async defined(): Promise<Domain> {
    await this.done(this.operations.define(xml(), {}));
    this.log.length = 0;
    return this.domain;
  }

  async running(): Promise<Domain> {
    const domain = await this.defined();
    await this.done(this.operations.start(domain, {}, {}));
    this.log.length = 0;
    return domain;
  }

  /** Nothing is left behind: no timer, no job, no record, no descriptor. */
  checkQuiet(): void {
    assert.equal(this.hand.loop.size, 0, "timers are left");
    assert.deepEqual([...this.records.keys()], [], "records are left");
    assert.deepEqual(this.hand.errors, []);
    for (const domain of this.domains) assert.ok(domain.jobs.isIdle, "a job is left");
    for (const { process, transport } of this.host.launched) {
      assert.ok(process.isClosed && !process.isWatched && transport.closed, "a process or a connection is left");
      assert.equal(transport.sentAfterClose, 0);
    }
  }
}
