import { Ending } from "./ending.ts";
import type { Execution } from "./execution.ts";
import { Failure, type FailureKind } from "./failure.ts";
import type { Step } from "./scheduler.ts";
import { type Body, Task } from "./task.ts";

/** What a subject sees of its execution: the means to make actors, and what their bodies yield. */
export class Sim {
  readonly #execution: Execution;

  constructor(execution: Execution) {
    this.#execution = execution;
  }

  /** An actor: a thread, a worker, a process. It yields a step before each thing that others could see or disturb. */
  spawn(name: string, body: () => Body): void {
    this.#execution.add((id) => new Task(id, name, false, body()));
  }

  /** An actor that serves the others, such as a loop: it may still be waiting when the execution ends. */
  serve(name: string, body: () => Body): void {
    this.#execution.add((id) => new Task(id, name, true, body()));
  }

  /** Checks to be made when nothing can happen any more. Thrown errors are failures. */
  atEnd(check: () => void): void {
    this.#execution.atEnd(check);
  }

  /** A plain step. Naming the one object it touches lets the depth-first search prune. */
  step(label: string, object?: object, reads = false): Step {
    return object === undefined ? { label, kind: "step" } : { label, kind: "step", object, reads };
  }

  /** A step that lets all others go first, such as a turn of a busy loop, and waits until `ready`. */
  pause(label: string, ready: () => boolean = () => true): Step {
    return { label, kind: "yield", ready };
  }

  /** A step that waits until `ready`. Nobody runnable while one of these waits is a lost wakeup. */
  until(label: string, ready: () => boolean): Step {
    return { label, kind: "wait", ready };
  }

  /** A choice the scheduler makes: an integer from 0 below `bound`. */
  choose(bound: number): number {
    return bound < 2 ? 0 : this.#execution.choose(bound);
  }

  /**
   * Called from synchronous code: `body` runs as part of the running actor before that goes on. The result settles
   * (synchronously) when it has ended, so a callback may return it to the event core.
   */
  call(label: string, body: () => Body): PromiseLike<void> {
    const ending = new Ending();
    this.running.push(label, body(), () => ending.end());
    return ending;
  }

  /** Ends the execution as failed; also when the error thrown here is caught by the subject. */
  fail(kind: FailureKind, message: string): never {
    throw this.#execution.fail(new Failure(kind, message));
  }

  /** Adds to the diagram, without being a step. */
  note(text: string): void {
    this.#execution.note(text);
  }

  /** The task whose step is being taken. */
  get running(): Task {
    const { running } = this.#execution;
    if (!(running instanceof Task)) throw new Error("called outside a step");
    return running;
  }

  /** `taken` is taken while `held` are held: over an execution that order must be acyclic. */
  acquired(held: readonly { name: string }[], taken: { name: string }): void {
    this.#execution.lockOrder.add(held, taken);
  }
}
