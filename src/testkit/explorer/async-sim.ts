import { AsyncLocalStorage } from "node:async_hooks";
import type { Actor, Execution } from "./execution.ts";
import { Failure, type FailureKind } from "./failure.ts";
import type { Step, TaskId } from "./scheduler.ts";

/**
 * What an asynchronous subject sees. Its actors are async functions; each `await sim.step(...)` is a place where
 * another may go first. Put steps where the real code waits for the outside: inside the fakes it is given.
 */
export class AsyncSim {
  readonly #execution: Execution;
  readonly #current = new AsyncLocalStorage<Strand>();

  constructor(execution: Execution) {
    this.#execution = execution;
  }

  /** An actor. A rejection is a failure; so is a promise that is still unsettled when nothing can happen any more. */
  spawn(name: string, body: () => Promise<void>): void {
    const strand = this.#strand(name);
    strand.begin(`start ${name}`, () => {
      strand.pending = true;
      this.#current.run(strand, body).then(
        () => {
          strand.pending = false;
        },
        (error: unknown) => {
          this.#execution.fail(Failure.from(error));
        },
      );
    });
    this.#execution.atEnd(() => {
      if (strand.pending) throw new Failure("unsettled promise", `${name} never ended`);
    });
  }

  /** Waits until the scheduler lets this step happen. Several at once in one actor become strands of their own. */
  step(label: string): Promise<void> {
    return this.until(label, undefined);
  }

  /** The same, and not before `ready` holds. */
  until(label: string, ready: (() => boolean) | undefined): Promise<void> {
    const current = this.#current.getStore();
    if (current === undefined) throw new Error("step() was called outside the actors of this execution");
    const strand = current.next === undefined ? current : this.#strand(`${current.name}+`);
    return new Promise((resolve) => strand.begin(label, resolve, ready));
  }

  /** Checks to be made when nothing can happen any more. */
  atEnd(check: () => void): void {
    this.#execution.atEnd(check);
  }

  choose(bound: number): number {
    return bound < 2 ? 0 : this.#execution.choose(bound);
  }

  fail(kind: FailureKind, message: string): never {
    throw this.#execution.fail(new Failure(kind, message));
  }

  note(text: string): void {
    this.#execution.note(text);
  }

  #strand(name: string): Strand {
    return this.#execution.add((id) => new Strand(id, name));
  }
}

/** One line of an asynchronous actor: has a step announced, or is on its way to the next one. */
class Strand implements Actor {
  readonly id: TaskId;
  readonly name: string;
  readonly background = false;
  next: Step | undefined;
  /** The actor's own promise is not settled. */
  pending = false;
  #go: () => void = () => undefined;

  constructor(id: TaskId, name: string) {
    this.id = id;
    this.name = name;
  }

  begin(label: string, go: () => void, ready?: () => boolean): void {
    this.next = ready === undefined ? { label, kind: "step" } : { label, kind: "wait", ready };
    this.#go = go;
  }

  resume(): void {
    this.next = undefined;
    this.#go();
  }
}
