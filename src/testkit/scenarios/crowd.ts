import { Ready } from "../../event/index.ts";
import type { Body } from "../explorer/task.ts";
import type { Pipe } from "./pipe.ts";
import type { TimeoutWitness, WatchWitness } from "./witness.ts";
import type { World } from "./world.ts";

/**
 * Callbacks and other threads' jobs that watch, modify, remove, close, reopen and throw at random, all of it on the
 * loop's thread, as the rules demand. What must hold is what each witness checks, and that nobody is forgotten.
 */
export class Crowd {
  readonly #world: World;
  readonly #pipes: Pipe[];
  readonly #watches: WatchWitness[] = [];
  readonly #timeouts: TimeoutWitness[] = [];
  #raised = 0;

  constructor(world: World) {
    this.#world = world;
    this.#pipes = ["A", "B"].map((name) => world.pipe(name));
    world.atRest(() => this.#checkRest());
  }

  /** Threads that post jobs, and a kernel that makes data arrive. */
  spawn(threads: number, jobs: number): void {
    const { sim } = this.#world;
    for (let thread = 1; thread <= threads; thread++) sim.spawn(`worker ${thread}`, () => this.#worker(jobs));
    sim.spawn("kernel", () => this.#kernel(threads * jobs));
  }

  *#worker(jobs: number): Body {
    const { sim, loop } = this.#world;
    for (let job = 0; job < jobs; job++) {
      let ran = false;
      yield sim.step("post");
      const accepted = loop.post(() => {
        ran = true;
        this.#act();
      });
      if (sim.choose(2) === 0) yield sim.until("wait for the job", () => ran || !accepted);
    }
  }

  *#kernel(arrivals: number): Body {
    for (let arrival = 0; arrival < arrivals; arrival++) {
      yield this.#world.sim.step("data");
      this.#any(this.#pipes)?.arrive();
    }
  }

  /** What a job or a callback does: nothing, once the loop is closing. */
  #act(): void {
    const { sim, loop } = this.#world;
    if (loop.state !== "open") return;
    const actions = [
      () => this.#addWatch(),
      () => this.#addTimeout(),
      () => this.#any(this.#watches)?.remove(),
      () => this.#any(this.#timeouts)?.remove(),
      () => this.#any(this.#watches)?.registration.modify(sim.choose(2) === 0 ? Ready.none : Ready.readable),
      () => this.#any(this.#timeouts)?.modify(this.#deadline()),
      () => this.#reopen(),
      () => this.#raise(),
    ];
    actions[sim.choose(actions.length)]?.();
  }

  #addWatch(): void {
    const pipe = this.#any(this.#pipes);
    if (pipe !== undefined) this.#watches.push(this.#world.watch(pipe, Ready.readable, () => this.#react(pipe)));
  }

  #react(pipe: Pipe): unknown {
    pipe.read();
    return this.#respond();
  }

  #addTimeout(): void {
    const every = this.#world.sim.choose(2) === 0 ? {} : { every: 5 };
    const fire = (self: TimeoutWitness): unknown => (self.entered < 3 ? this.#respond() : self.remove());
    this.#timeouts.push(this.#world.timeout(`timeout ${this.#timeouts.length + 1}`, this.#deadline(), fire, every));
  }

  /** A callback acts, and some are not over when they return. */
  #respond(): unknown {
    const { sim } = this.#world;
    const way = sim.choose(3);
    if (way === 0) return undefined;
    if (way === 1) return this.#act();
    const act = (): void => this.#act();
    return this.#world.later("callback goes on", function* () {
      yield sim.step("half way");
      act();
    });
  }

  /** A descriptor is closed under its watches, and its number opened again. */
  #reopen(): void {
    const index = this.#world.sim.choose(this.#pipes.length);
    const old = this.#pipes[index] as Pipe;
    const { tellsFilesApart } = this.#world;
    if (!tellsFilesApart) for (const watch of this.#watches) if (watch.pipe === old) watch.remove();
    this.#world.kernel.close(old.fd);
    this.#pipes[index] = this.#world.pipe(`${old.name}'`);
  }

  #raise(): never {
    this.#raised++;
    throw new Error("raised on purpose");
  }

  #deadline(): number | "now" | "never" {
    const { sim, loop } = this.#world;
    const deadlines = ["now", "never", loop.now() + 5, loop.now() + 10] as const;
    return deadlines[sim.choose(deadlines.length)] ?? "now";
  }

  #any<T>(things: readonly T[]): T | undefined {
    return things[this.#world.sim.choose(things.length)];
  }

  #checkRest(): void {
    const { errors, kernel, loop } = this.#world;
    if (errors.length !== this.#raised) this.#world.fail(`reported was: ${errors.join("; ")}`);
    if (loop.state !== "open") return;
    for (const { pipe, registration, removed } of this.#watches) {
      const unread = (pipe.ready & registration.interest) !== 0 && kernel.file(pipe.fd) === pipe;
      if (unread && !removed) this.#world.fail(`data on ${pipe.name} were never read`);
    }
  }
}
