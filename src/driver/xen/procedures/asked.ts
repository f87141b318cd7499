import { ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Patience } from "../../domain-turns.ts";
import type { CallContext } from "../../driver.ts";

export function patienceOf({ deadline, signal }: CallContext): Patience {
  return { deadline, signal };
}

export function has(flags: number, bit: number): boolean {
  return (flags & bit) !== 0;
}

/** Throws VirError for a flag that is not supported; `caller` is libvirt's function, for the message. */
export function check(flags: number, supported: number, caller: string): void {
  VirError.checkFlags(flags, supported, ErrorDomain.libxl, caller);
}
