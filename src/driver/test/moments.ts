import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";

/** Something with a name, that may have been made after another. */
export interface Moment {
  readonly name: string;
  /** The one that was current when it was made; undefined: a root. */
  parent: string | undefined;
}

/** The snapshots or checkpoints of one domain: a forest, and the one from which the domain has gone on. */
export class Moments<T extends Moment> {
  /** Makes the error for a name that there is not. */
  readonly #missing: (name: string) => Error;
  readonly #byName = new Map<string, T>();
  current: string | undefined;

  constructor(missing: (name: string) => Error) {
    this.#missing = missing;
  }

  get size(): number {
    return this.#byName.size;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#byName.values();
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Throws when there is none. */
  get(name: string): T {
    const moment = this.#byName.get(name);
    if (moment === undefined) throw this.#missing(name);
    return moment;
  }

  set(moment: T): void {
    this.#byName.set(moment.name, moment);
  }

  /** Throws VirError when a new one cannot have that name. */
  checkNew(name: string): void {
    if (!this.has(name)) return;
    throw VirError.of(ErrorCode.operationFailed, ErrorDomain.domain, `domain moment ${name} already exists`);
  }

  /** Throws VirError unless this one can stand where it says, in place of the one of its name that there may be. */
  checkPlace({ name, parent }: T): void {
    if (parent === undefined) return;
    if (parent === name) throw misplaced(`cannot set moment ${name} as its own parent`);
    let ancestor = this.#byName.get(parent);
    if (ancestor === undefined) throw misplaced(`parent ${parent} for moment ${name} not found`);
    while (ancestor?.parent !== undefined) {
      if (ancestor.parent === name) throw misplaced(`parent ${ancestor.name} would create cycle to ${name}`);
      ancestor = this.#byName.get(ancestor.parent);
    }
  }

  /** The youngest first. */
  children({ name }: T): T[] {
    return [...this].filter(({ parent }) => parent === name).reverse();
  }

  /** Parents before their children. */
  descendants(moment: T): T[] {
    return this.children(moment).flatMap((child) => [child, ...this.descendants(child)]);
  }

  /** All of them, parents before their children, and of several children the youngest first. */
  inOrder(): T[] {
    const roots = [...this].filter(({ parent }) => parent === undefined);
    return roots.reverse().flatMap((root) => [root, ...this.descendants(root)]);
  }

  /** Its children get its parent. */
  delete({ name, parent }: T): void {
    for (const each of this) if (each.parent === name) each.parent = parent;
    if (this.current === name) this.current = parent;
    this.#byName.delete(name);
  }

  /** All that came after it; and if the domain has gone on from one of those, it now goes on from this one. */
  deleteDescendants(moment: T): void {
    for (const { name } of this.descendants(moment)) {
      if (this.current === name) this.current = moment.name;
      this.#byName.delete(name);
    }
  }
}

function misplaced(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, detail);
}
