import type { Step } from "../explorer/scheduler.ts";
import type { Sim } from "../explorer/sim.ts";
import type { Task } from "../explorer/task.ts";

/** Which locks a task holds, in the order of taking. */
const held = new WeakMap<Task, Mutex[]>();

/** A recursive lock between actors. Taking and giving are steps; the order in which locks nest is checked. */
export class Mutex {
  readonly name: string;
  readonly #sim: Sim;
  #owner: Task | undefined;
  #depth = 0;

  constructor(sim: Sim, name: string) {
    this.#sim = sim;
    this.name = name;
  }

  get locked(): boolean {
    return this.#owner !== undefined;
  }

  *lock(): Generator<Step, void, void> {
    const task = this.#sim.running;
    if (this.#owner !== task) {
      yield { label: `lock ${this.name}`, kind: "lock", object: this, ready: () => this.#owner === undefined };
      const others = held.get(task) ?? [];
      this.#sim.acquired(others, this);
      held.set(task, [...others, this]);
      this.#owner = task;
    }
    this.#depth++;
  }

  *unlock(): Generator<Step, void, void> {
    const task = this.#sim.running;
    if (this.#owner !== task) this.#sim.fail("assertion", `${task.name} unlocks ${this.name}, which it does not hold`);
    if (--this.#depth > 0) return;
    yield { label: `unlock ${this.name}`, kind: "unlock", object: this };
    this.#owner = undefined;
    const others = held.get(task) ?? [];
    held.set(
      task,
      others.filter((other) => other !== this),
    );
  }
}
