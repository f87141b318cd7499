import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";

/** The test driver's own refusals, in libvirt's numbers. */
export function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.test, detail);
}

export function invalidArgument(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.test, detail);
}

export function internal(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.test, detail);
}

/** Those of the part of libvirt that all drivers share. */
export function invalidDomain(detail: string): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, detail);
}

export function notRunning(): VirError {
  return invalidDomain("domain is not running");
}

/** What a lookup finds nothing with says no more than this. */
export function noDomain(): VirError {
  const message = "Domain not found";
  return new VirError(message, { code: ErrorCode.noDomain, domain: ErrorDomain.test, str1: message });
}

/** `caller` as in libvirt's text: the driver's function. */
export function checkFlags(flags: number, supported: number, caller: string): void {
  VirError.checkFlags(flags, supported, ErrorDomain.test, caller);
}

export function has(flags: number, bit: number): boolean {
  return (flags & bit) !== 0;
}
