import { allowsReadOnly, type VirError } from "../protocol/index.ts";
import { namedObject } from "./access/object-names.ts";
import { describePrincipal, type Principal } from "./principal.ts";
import type { Route } from "./route.ts";

/** A call that was to change something, and what has become of it. */
export interface AuditRecord {
  /** "user 'alice' from 192.0.2.1:50000". */
  readonly who: string;
  readonly door: Principal["door"];
  /** libvirt's function: "virDomainDestroy". */
  readonly call: string;
  /** As the caller has named it; absent where it has named none. */
  readonly object?: string;
  readonly result: "done" | "failed" | "denied";
  /** Of what was not done: libvirt's number, and its sentence. */
  readonly code?: number;
  readonly error?: string;
  /** From the call's arrival to its answer, in ms. */
  readonly durationMs: number;
}

/** Must not throw. */
export type Audit = (record: AuditRecord) => void;

/** Undefined for a call that changes nothing. */
export function auditRecord(
  principal: Principal,
  { api, rule }: Route,
  args: unknown,
  outcome: { readonly error: VirError | undefined; readonly durationMs: number },
): AuditRecord | undefined {
  if (api === undefined || allowsReadOnly(rule, args)) return undefined;
  const { error, durationMs } = outcome;
  const object = namedObject(args);
  return {
    who: describePrincipal(principal),
    door: principal.door,
    call: api,
    ...(object !== undefined && object !== "" && { object }),
    result: error === undefined ? "done" : denials.has(error.code) ? "denied" : "failed",
    ...(error !== undefined && { code: error.code, error: error.message }),
    durationMs,
  };
}

/** VIR_ERR_OPERATION_DENIED and VIR_ERR_ACCESS_DENIED. */
const denials: ReadonlySet<number> = new Set([29, 88]);
