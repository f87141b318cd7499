import type { Sim } from "../explorer/sim.ts";

/** Memory, or whatever else may be used until it is released and released once. */
export class Resource {
  readonly name: string;
  readonly #sim: Pick<Sim, "fail" | "note">;
  #released = false;

  constructor(sim: Pick<Sim, "fail" | "note">, name: string) {
    this.#sim = sim;
    this.name = name;
  }

  get released(): boolean {
    return this.#released;
  }

  use(what = "used"): void {
    if (this.#released) this.#sim.fail("use after release", `${this.name} is ${what} after its release`);
  }

  release(): void {
    if (this.#released) this.#sim.fail("double release", `${this.name} is released twice`);
    this.#released = true;
    this.#sim.note(`${this.name} is released`);
  }
}
