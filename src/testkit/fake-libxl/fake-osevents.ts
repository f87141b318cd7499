import { type CookieCell, type OseventHooks, Poll, type TimeOfDay, type Token } from "../../event/index.ts";
import type { Sim } from "../explorer/sim.ts";
import { Resource } from "../sim/resource.ts";

/**
 * "2012": libxl 4.2, November 2012. What it hands out is its own object, a part of the operation's memory and used again for
 * the operation's next registration; it believes what it is told; a timeout it no longer wants it deregisters.
 * "4.17": what it hands out is a nexus. A descriptor's stays as long as the context, and readiness is polled again; a
 * timeout's is freed by the one call that ends it, and one it no longer wants it modifies to "now".
 */
export type LibxlForm = "2012" | "4.17";

/** C's `void **for_app_update`: where the library keeps the application's cookie. */
export class FakeCell implements CookieCell {
  #cookie: Token | undefined;

  load(): Token {
    if (this.#cookie === undefined) throw new Error("the library hands in a cookie it was never given");
    return this.#cookie;
  }

  store(cookie: Token): void {
    this.#cookie = cookie;
  }
}

/** What the library hands to the application as `for_libxl` for one registration. */
export interface FakeRegistration {
  readonly kind: "fd" | "timeout";
  /** Of what `for_libxl` points to. */
  readonly memory: Resource;
  readonly cell: CookieCell;
  /** The library has not ended it. */
  wanted: boolean;
}

/** {0, 0}, "as soon as possible". */
export const asSoonAsPossible: TimeOfDay = { seconds: 0, microseconds: 0 };

/**
 * libxl's side of its osevent hooks, for all models of it: what it hands out, how it ends a registration, and what it does
 * with a call, in each form. Hooks run under the context's lock, and nothing may call back from inside one.
 */
export class FakeOsevents<R extends FakeRegistration> {
  readonly form: LibxlForm;
  readonly #sim: Pick<Sim, "fail" | "note">;
  #hooks: OseventHooks<R> | undefined;
  #inHook = false;

  constructor(sim: Pick<Sim, "fail" | "note">, form: LibxlForm) {
    this.#sim = sim;
    this.form = form;
  }

  attach(hooks: OseventHooks<R>): void {
    this.#hooks = hooks;
  }

  get hooks(): OseventHooks<R> {
    if (this.#hooks === undefined) throw new Error("the library is not attached");
    return this.#hooks;
  }

  /** What a new registration for an object is like that lies in `owner`. */
  registration(
    kind: "fd" | "timeout",
    name: string,
    owner: Resource,
    cell: CookieCell = new FakeCell(),
  ): FakeRegistration {
    const memory = this.form === "2012" ? owner : new Resource(this.#sim, `the nexus of ${name}`);
    return { kind, memory, cell, wanted: true };
  }

  fdRegister(registration: R, fd: number): void {
    this.hook((hooks) => hooks.fdRegister(fd, registration.cell, Poll.in, registration));
  }

  fdModify({ cell }: R, events: number): void {
    this.hook((hooks) => hooks.fdModify(cell, events));
  }

  fdDeregister(registration: R): void {
    registration.wanted = false;
    this.hook((hooks) => hooks.fdDeregister(registration.cell.load()));
  }

  timeoutRegister(registration: R, at: TimeOfDay): void {
    this.hook((hooks) => hooks.timeoutRegister(registration.cell, at, registration));
  }

  timeoutModify({ cell }: R, at: TimeOfDay): void {
    this.hook((hooks) => hooks.timeoutModify(cell, at));
  }

  /** The library has no more use for it: another may be registered at once. */
  timeoutEnd(registration: R): void {
    registration.wanted = false;
    if (this.form === "4.17") this.timeoutModify(registration, asSoonAsPossible);
    else this.hook((hooks) => hooks.timeoutDeregister(registration.cell.load()));
  }

  /** A call for it has come, the lock is taken: whether the library acts on it. */
  heeds(registration: R, isReadable: () => boolean): boolean {
    if (registration.kind === "timeout" && this.form === "4.17") registration.memory.release();
    else registration.memory.use("told of");
    if (this.form === "2012") return true;
    return registration.wanted && (registration.kind === "timeout" || isReadable());
  }

  /** Whoever calls the library must not be inside a hook of it. */
  checkOutside(call: string): void {
    if (this.#inHook) this.#sim.fail("assertion", `${call} is called from inside a hook`);
  }

  hook<T>(action: (hooks: OseventHooks<R>) => T): T {
    this.#inHook = true;
    try {
      return action(this.hooks);
    } finally {
      this.#inHook = false;
    }
  }
}
