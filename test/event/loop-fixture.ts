import { Loop } from "../../src/event/index.ts";
import { SimFile, SimHost, type SimHostOptions, SimKernel } from "../../src/testkit/index.ts";

/** A loop on a simulated host, and what it reports. */
export class LoopFixture {
  readonly kernel = new SimKernel();
  readonly host: SimHost;
  readonly loop: Loop;
  readonly errors: string[] = [];

  constructor(options: SimHostOptions = {}) {
    this.host = new SimHost(this.kernel, options);
    this.loop = new Loop(this.host, { onError: (error, source) => this.errors.push(`${source}: ${String(error)}`) });
  }

  /** An open file, ready for `ready`. */
  open(name: string, ready = 0): { file: SimFile; fd: number } {
    const file = new SimFile(name);
    file.ready = ready;
    return { file, fd: this.kernel.open(file) };
  }

  /** Whole turns until nothing is ready or due. */
  run(): void {
    this.host.runUntilIdle();
  }
}
