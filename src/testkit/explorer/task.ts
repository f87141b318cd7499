import type { Actor } from "./execution.ts";
import type { Step, TaskId } from "./scheduler.ts";

/** The body of an actor: it yields each step before taking it. */
export type Body = Generator<Step, void, void>;

interface Frame {
  readonly body: Body;
  /** The step announced and not yet taken. */
  next: Step;
  readonly onReturn: (() => void) | undefined;
}

/**
 * An actor made of generators: a stack of bodies, of which the top one runs. A body is pushed when synchronous code of the
 * subject calls something that has steps of its own (a callback that takes a lock).
 */
export class Task implements Actor {
  readonly id: TaskId;
  readonly name: string;
  readonly background: boolean;
  readonly #frames: Frame[] = [];
  /** Where a body is pushed: above the one that runs, below those it has pushed in the same step, which go first. */
  #above = 0;

  constructor(id: TaskId, name: string, background: boolean, body: Body) {
    this.id = id;
    this.name = name;
    this.background = background;
    this.push(`start ${name}`, body);
  }

  get next(): Step | undefined {
    return this.#frames.at(-1)?.next;
  }

  /** Runs `body` before anything else of this task; `onReturn` hears of its end at once. */
  push(label: string, body: Body, onReturn?: () => void): void {
    this.#frames.splice(this.#above, 0, { body, next: { label, kind: "step" }, onReturn });
  }

  resume(): void {
    const frame = this.#frames.at(-1) as Frame;
    this.#above = this.#frames.length;
    const result = frame.body.next();
    if (result.done !== true) {
      frame.next = result.value;
      return;
    }
    this.#frames.splice(this.#frames.indexOf(frame), 1);
    frame.onReturn?.();
  }
}
