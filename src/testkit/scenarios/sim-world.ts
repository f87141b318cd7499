import type { Sim } from "../explorer/sim.ts";
import type { Body } from "../explorer/task.ts";
import { SimHost } from "../sim/host.ts";
import { SimKernel } from "../sim/kernel.ts";
import { World } from "./world.ts";

/** A loop on a simulated host. Its thread is an actor, with a step at every point where another thread may run. */
export class SimWorld extends World {
  override readonly tellsFilesApart = true;
  readonly host: SimHost;
  #asleep = false;

  constructor(sim: Sim) {
    const kernel = new SimKernel();
    const host = new SimHost(kernel, { choose: (bound) => sim.choose(bound) });
    super(sim, kernel, host);
    this.host = host;
    sim.serve("loop", () => this.#thread());
  }

  /** Time as an actor of its own. */
  withClock(): this {
    this.sim.serve("clock", () => this.host.clock());
    return this;
  }

  override section(label: string, action: () => void): PromiseLike<void> {
    const { sim } = this;
    return sim.call(label, function* () {
      yield sim.step("inside");
      action();
    });
  }

  protected override get asleep(): boolean {
    return this.#asleep;
  }

  protected override get held(): number {
    return this.host.size;
  }

  protected override runOn(): void {
    this.host.runUntilIdle();
  }

  *#thread(): Body {
    for (const step of this.host.actor(this.loop)) {
      this.#asleep = step.kind === "wait";
      yield step;
      this.#asleep = false;
    }
    this.#asleep = true;
  }
}
