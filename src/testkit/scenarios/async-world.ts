import { Loop } from "../../event/index.ts";
import type { AsyncSim } from "../explorer/async-sim.ts";
import { SimHost } from "../sim/host.ts";
import { SimKernel } from "../sim/kernel.ts";
import { Pipe } from "./pipe.ts";

/** A loop whose turns are one step each, so that promises go on between turns alone, as they do on a real thread. */
export class AsyncWorld {
  readonly sim: AsyncSim;
  readonly kernel = new SimKernel();
  readonly host: SimHost;
  readonly loop: Loop;

  constructor(sim: AsyncSim) {
    this.sim = sim;
    this.host = new SimHost(this.kernel, { choose: (bound) => sim.choose(bound) });
    this.loop = new Loop(this.host, { onError: (error, source) => this.fail(`${source}: ${String(error)}`) });
    sim.spawn("loop", () => this.#thread());
    sim.atEnd(() => {
      if (!this.host.closed || this.host.size > 0) this.fail("the loop did not close");
    });
  }

  fail(message: string): never {
    return this.sim.fail("assertion", message);
  }

  pipe(name: string): Pipe {
    const pipe = new Pipe(name);
    pipe.fd = this.kernel.open(pipe);
    return pipe;
  }

  async #thread(): Promise<void> {
    while (!this.host.closed) {
      await this.sim.until("sleep in poll", () => this.host.needsTurn || this.host.closed);
      this.loop.runTurn();
    }
  }
}
