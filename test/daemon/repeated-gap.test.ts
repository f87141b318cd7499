import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CursorSubscriptions } from "../../src/daemon/cursor-subscriptions.ts";
import type { Hypervisor } from "../../src/driver/driver.ts";
import { Journal } from "../../src/model/index.ts";
import type { DomainEvent, Gap } from "../../src/protocol/index.ts";
import { FakeDriver } from "./fake-driver.ts";

const anyCursor = { cursor: null, eventIds: [], dom: null };

class Reader {
  readonly sequences: bigint[] = [];
  readonly gaps: Gap[] = [];
  readonly subscriptions: CursorSubscriptions;
  #jobs: (() => void)[] = [];
  #nextId = 0;

  constructor(hypervisor: Hypervisor) {
    this.subscriptions = new CursorSubscriptions({
      hypervisor,
      issueCallbackId: () => this.#nextId++,
      send: {
        eventsNext: ({ position }) => this.sequences.push(position.sequence),
        eventsGap: ({ gap }) => this.gaps.push(gap),
      },
      mayHear: () => true,
      isCongested: () => false,
      postpone: (job) => this.#jobs.push(job),
    });
  }

  run(): void {
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) job();
  }
}

describe("a gap between events", () => {
  it("is told once, however many events stand before it", () => {
    const [id, run] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
    const hole = { from: 301, to: 310 };
    const dom = { name: "hello", uuid: id, id: 1 };
    const event = { name: "reboot", dom } as DomainEvent;
    const events = Array.from({ length: 400 }, (_, index) => index + 1)
      .filter((sequence) => sequence < hole.from || sequence > hole.to)
      .map((sequence) => ({ sequence, time: 0, event }));
    const contents = { runs: [{ journal: id, run, first: 1 }], holes: [hole], next: 401 };
    const stored = { id, run, contents, events, store: undefined as never };
    const driver = new FakeDriver();
    Object.defineProperty(driver, "journal", { value: new Journal({ now: () => 0 }, stored) });
    const reader = new Reader(driver);
    reader.subscriptions.open({ ...anyCursor, cursor: { journal: id, run, sequence: 0n } });
    reader.run();
    assert.deepEqual(reader.gaps, [{ from: 301n, to: 310n }]);
    assert.equal(reader.sequences.length, 390);
  });
});
