import type { Definition, Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Patience } from "../../domain-turns.ts";
import type { CallContext } from "../../driver.ts";
import { notRunning } from "../errors.ts";

/** Bits of virDomainModificationImpact; neither means the domain as it is now. */
export const affect = { live: 1, config: 2 };

/** The definition that virDomainModificationImpact means. Throws VirError when the domain has none of that kind. */
export function affected({ persistent, definition, incarnation }: Domain, flags: number): Definition {
  if (has(flags, affect.live) && incarnation === undefined) throw notRunning();
  const meant = has(flags, affect.config) ? persistent : definition;
  if (meant !== undefined) return meant;
  const detail = "transient domains do not have any persistent config";
  throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, detail);
}

export function patienceOf({ deadline, signal }: CallContext): Patience {
  return { deadline, signal };
}

export function has(flags: number, bit: number): boolean {
  return (flags & bit) !== 0;
}

/** Throws VirError for a flag that is not supported; `caller` is libvirt's function, for the message. */
export function check(flags: number, supported: number, caller: string): void {
  VirError.checkFlags(flags, supported, ErrorDomain.qemu, caller);
}
