import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Loop } from "../../src/event/index.ts";
import {
  type AsyncSim,
  type AsyncSubject,
  boundsFromEnvironment,
  exploreAsync,
  SimHost,
  SimKernel,
} from "../../src/testkit/index.ts";
import { checkHolds } from "../event/exploring.ts";

/** A loop whose turns are steps of the explorer, beside actors that act between them. */
export class ScheduledWorld {
  readonly sim: AsyncSim;
  readonly host = new SimHost(new SimKernel());
  readonly loop: Loop;
  #acting = 0;

  constructor(sim: AsyncSim) {
    this.sim = sim;
    this.loop = new Loop(this.host, { onError: (error, source) => this.fail(`${source}: ${String(error)}`) });
    sim.spawn("loop", () => this.#thread());
    sim.atEnd(() => {
      if (this.loop.size > 0) this.fail(`${this.loop.size} registrations are left`);
    });
  }

  fail(message: string): never {
    return this.sim.fail("assertion", message);
  }

  /** Whoever has something to do; the loop goes on until all have done it and it has nothing to do either. */
  actor(name: string, body: () => Promise<void>): void {
    this.#acting++;
    this.sim.spawn(name, async () => {
      await body();
      this.#acting--;
    });
  }

  /** Deadlines may come, so many times and at any moment. */
  clock(times: number): void {
    this.sim.spawn("clock", async () => {
      for (let time = 0; time < times; time++) {
        await this.sim.until("time passes", () => this.#isDone || this.#isWaiting);
        if (this.#isDone) return;
        this.host.advance((this.host.deadline ?? 0) - this.host.now());
      }
    });
  }

  get #isWaiting(): boolean {
    return (this.host.deadline ?? -1) > this.host.now();
  }

  get #isDone(): boolean {
    return this.#acting === 0 && !this.host.needsTurn;
  }

  async #thread(): Promise<void> {
    for (;;) {
      await this.sim.until("sleep in poll", () => this.host.needsTurn || this.#acting === 0);
      if (this.#isDone) return;
      this.loop.runTurn();
    }
  }
}

const text = readFileSync(new URL("../../docs/explorer.md", import.meta.url), "utf8");

/** Tries all schedules within the bounds; docs/explorer.md says how many they are. */
export async function checkSchedules(t: TestContext, name: string, subject: AsyncSubject): Promise<void> {
  const byDefault = { executions: 100_000 };
  const bounds = boundsFromEnvironment(process.env, byDefault);
  const report = await exploreAsync(subject, bounds);
  checkHolds(report);
  t.diagnostic(`${report.executions} schedules`);
  if (!isDeepStrictEqual(bounds, byDefault)) return;
  assert.ok(report.exhausted, "not all was tried: raise VIRTWRIGHT_EXPLORE_EXECUTIONS");
  const row = `| ${name} | ${report.executions.toLocaleString("en")} |`;
  assert.ok(text.includes(row), `docs/explorer.md should say: ${row}`);
}
