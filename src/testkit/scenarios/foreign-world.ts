import { ForeignHost } from "../../event/index.ts";
import type { Sim } from "../explorer/sim.ts";
import { SimKernel } from "../sim/kernel.ts";
import { ForeignLoop } from "./foreign-loop.ts";
import { World } from "./world.ts";

/** Our loop driven by somebody else's. */
export class ForeignWorld extends World {
  override readonly tellsFilesApart = false;
  readonly foreign: ForeignLoop;

  constructor(sim: Sim) {
    const kernel = new SimKernel();
    const foreign = new ForeignLoop(sim, kernel);
    super(sim, kernel, new ForeignHost(foreign, { clock: () => foreign.now }));
    this.foreign = foreign;
    sim.serve("their loop", () => foreign.thread());
  }

  withClock(): this {
    this.sim.serve("clock", () => this.foreign.clock());
    return this;
  }

  /** Our whole turn is one step of theirs. */
  override section(_label: string, action: () => void): undefined {
    action();
  }

  protected override get asleep(): boolean {
    return this.foreign.asleep;
  }

  protected override get held(): number {
    return this.foreign.size;
  }

  protected override runOn(): void {
    this.foreign.runOn();
  }
}
