import type { Loop } from "../../event/index.ts";
import { JobQueue } from "../../model/index.ts";
import type { ObjectDefinition } from "./managed-object.ts";

/**
 * A network or a pool of this machine: what it is (`live`, while it is active) and what it is to be (`config`, when it
 * is persistent); one of the two is always there.
 *
 *     inactive -> active -> inactive
 */
export class HostObject<D extends ObjectDefinition> {
  /** Who may change it. */
  readonly jobs: JobQueue;
  config: D | undefined;
  live: D | undefined;
  autostart = false;
  readonly #first: D;

  constructor(loop: Loop, definition: D) {
    this.jobs = new JobQueue(loop);
    this.#first = definition;
  }

  get isActive(): boolean {
    return this.live !== undefined;
  }

  get persistent(): boolean {
    return this.config !== undefined;
  }

  /** What it is now. */
  get definition(): D {
    return this.live ?? this.config ?? this.#first;
  }

  /** What it is to be. */
  get nextDefinition(): D {
    return this.config ?? this.live ?? this.#first;
  }

  get name(): string {
    return this.#first.name;
  }

  get uuid(): string {
    return this.#first.uuid;
  }

  /** As it stands on the wire. */
  get reference(): { readonly name: string; readonly uuid: string } {
    return { name: this.name, uuid: this.uuid };
  }
}

/** Not about to be, and not gone. */
export function isThere({ isActive, persistent }: HostObject<ObjectDefinition>): boolean {
  return isActive || persistent;
}
