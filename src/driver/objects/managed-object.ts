import type { Element } from "../../xml/index.ts";

/** What an object is to be: its name and uuid, and all that its XML says, in libvirt's order. */
export interface ObjectDefinition {
  readonly name: string;
  readonly uuid: string;
  readonly root: Element;
}

/**
 * What networks and pools have in common.
 *
 *     inactive -> active -> inactive
 *
 * A definition that comes while it is active is kept for changes of the configuration, and does not take its place
 * when it stops: libvirt's test hypervisor does the same.
 */
export class ManagedObject<D extends ObjectDefinition> {
  isActive = false;
  persistent = false;
  autostart = false;
  #definition: D;
  #next: D | undefined;

  constructor(definition: D) {
    this.#definition = definition;
  }

  get definition(): D {
    return this.#definition;
  }

  /** What changes of the configuration start from. */
  get nextDefinition(): D {
    return this.#next ?? this.#definition;
  }

  get name(): string {
    return this.#definition.name;
  }

  get uuid(): string {
    return this.#definition.uuid;
  }

  /** As it stands on the wire. */
  get reference(): { readonly name: string; readonly uuid: string } {
    return { name: this.name, uuid: this.uuid };
  }

  assign(definition: D): void {
    if (this.isActive) this.#next = definition;
    else this.#definition = definition;
  }

  /** Changed while it runs. */
  replace(definition: D): void {
    this.#definition = definition;
  }
}
