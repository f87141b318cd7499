import type { CallContext, DriverProcedures } from "../../driver/driver.ts";
import type { Principal } from "../principal.ts";
import type { TagSource } from "./tag-changes.ts";

/** An answer, and why: for the log, and for who is denied. */
export interface Verdict {
  readonly allowed: boolean;
  readonly reason: string;
}

/** The object that a permission is about. */
export interface Target {
  /** libvirt's word: "domain", "connect". Undefined: all objects. */
  readonly kind?: string;
  /** "" where the permission is about the connection. Undefined: it is not known, or all are meant. */
  readonly name: string | undefined;
  readonly uuid?: string | undefined;
  /** In each of its definitions. Undefined as `name`. */
  readonly tags: readonly (readonly string[])[] | undefined;
}

/** What is not known, and all there is. */
export const anything: Target = { name: undefined, tags: undefined };

/** The hypervisor that a call is about; before one is open nothing of one is there. */
export interface JudgedHypervisor extends TagSource {
  readonly procedures: DriverProcedures;
}

/** Who says what somebody may. */
export interface Judge {
  /** As it stands in errors. */
  readonly name: string;
  /** It matters what tags domains have. */
  readonly knowsTags: boolean;
  /** Whether somebody may do it to all there is; undefined: each has to be asked about. */
  decideOfAll(principal: Principal, permission: string): Verdict | undefined;
  /** Never rejects: who cannot be asked allows nothing. `context`: of the call, so that nobody is asked for who has left. */
  decide(
    principal: Principal,
    permission: string,
    target: Target,
    hypervisor: JudgedHypervisor,
    context?: Pick<CallContext, "signal">,
  ): Verdict | Promise<Verdict>;
}
