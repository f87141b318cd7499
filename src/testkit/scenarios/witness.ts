import { type Readiness, Ready, type Registration, type Timeout, type Watch } from "../../event/index.ts";
import { Resource } from "../sim/resource.ts";
import type { Pipe } from "./pipe.ts";
import type { World } from "./world.ts";

/** Follows one registration and checks every rule of its life at the moment in which it could be broken. */
abstract class Witness<R extends Registration> {
  readonly name: string;
  /** How often the callback was entered. */
  entered = 0;
  /** Whether a callback is under way. */
  inside = false;
  protected readonly world: World;
  /** What the callback works on; the release function frees it. */
  readonly #memory: Resource;
  readonly #bornIn: number;
  #registration: R | undefined;
  #removed = false;
  #removing = false;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.#memory = new Resource(world.sim, name);
    this.#bornIn = world.turns;
    world.witnesses.push(this);
  }

  /** The core has given us the registration: only now is the record complete. */
  begin(registration: R): void {
    this.#registration = registration;
  }

  get registration(): R {
    if (this.#registration === undefined) return this.world.fail(`${this.name} is used before it is registered`);
    return this.#registration;
  }

  get removed(): boolean {
    return this.#removed;
  }

  get released(): boolean {
    return this.#memory.released;
  }

  remove(): void {
    this.#removing = true;
    this.registration.remove();
    this.#removing = false;
    this.#removed = true;
  }

  /** For the registration's `release`. */
  release(): void {
    if (this.#removing) this.world.fail(`${this.name} is released inside remove()`);
    if (this.inside) this.world.fail(`${this.name} is released while its callback is under way`);
    if (this.registration.state === "active") this.world.fail(`${this.name} is released and still active`);
    this.#memory.release();
  }

  /** Runs `callback` as the registration's callback. */
  protected enter(callback: () => unknown): unknown {
    if (this.#registration === undefined) this.world.fail(`${this.name} is called back before its record is complete`);
    if (this.#removed) this.world.fail(`${this.name} is called back after remove()`);
    if (this.world.closing) this.world.fail(`${this.name} is called back after close()`);
    if (this.inside) this.world.fail(`${this.name} is called back while its last callback is under way`);
    if (this.world.turns === this.#bornIn) this.world.fail(`${this.name} is called back in the turn that added it`);
    this.#memory.use("handed to a callback");
    this.entered++;
    this.world.sim.note(`${this.name} is called back`);
    return this.#during(callback);
  }

  #during(callback: () => unknown): unknown {
    this.inside = true;
    let result: unknown;
    try {
      result = callback();
    } finally {
      this.inside = false;
    }
    if (!isPending(result)) return result;
    this.inside = true;
    const over = (): void => {
      this.#memory.use("still used by a callback");
      this.inside = false;
    };
    result.then(over, over);
    return result;
  }
}

export class WatchWitness extends Witness<Watch> {
  readonly pipe: Pipe;

  constructor(world: World, pipe: Pipe) {
    super(world, `watch on ${pipe.name}`);
    this.pipe = pipe;
  }

  /** The watch's callback. */
  ready(ready: Readiness, callback: () => unknown): unknown {
    const { interest } = this.registration;
    const untold = this.world.tellsFilesApart && this.pipe.arrivals === 0;
    if (untold) this.world.fail(`${this.name} is told of somebody else's readiness`);
    if (interest === Ready.none) this.world.fail(`${this.name} is called back though it asks for nothing`);
    if ((ready & interest) === 0) this.world.fail(`${this.name} is told ${ready} and asked for ${interest}`);
    return this.enter(callback);
  }
}

export class TimeoutWitness extends Witness<Timeout> {
  /** When it may fire next; undefined: not at all. */
  #due: number | undefined;
  #every: number | undefined;

  constructor(world: World, name: string, at: number | "now" | "never", every?: number) {
    super(world, name);
    world.atRest(() => {
      if (this.overdue && !world.closing) world.fail(`${name} was due and never fired`);
    });
    this.#every = every;
    this.#expect(at);
  }

  /** It should have fired by now. */
  get overdue(): boolean {
    return !this.removed && !this.inside && this.#due !== undefined && this.#due <= this.world.loop.now();
  }

  modify(at: number | "now" | "never"): void {
    if (this.registration.state === "active") this.#expect(at);
    this.registration.modify(at);
  }

  /** The timeout's callback. */
  fired(callback: () => unknown): unknown {
    const now = this.world.loop.now();
    if (this.#due === undefined) this.world.fail(`${this.name} fires though nothing armed it`);
    if (now < this.#due) this.world.fail(`${this.name} fires at ${now}, before its deadline ${this.#due}`);
    this.#due = this.#every === undefined ? undefined : this.#due + this.#every;
    return this.enter(callback);
  }

  #expect(at: number | "now" | "never"): void {
    this.#due = at === "never" ? undefined : at === "now" ? this.world.loop.now() : at;
  }
}

function isPending(value: unknown): value is PromiseLike<void> {
  return typeof value === "object" && value !== null && "then" in value;
}
