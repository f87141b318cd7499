import { int, optional, struct, type TypeOf } from "../xdr/index.ts";
import { ErrorCode, ErrorDomain, ErrorLevel } from "./error-codes.ts";
import { Domain, Network, string } from "./remote/base.ts";

/** The payload of every error: `message` is the whole text, `str1` what it was formatted from, `str2` what went in. */
export const WireError = struct("error", {
  code: int,
  domain: int,
  message: optional(string),
  level: int,
  dom: optional(Domain),
  str1: optional(string),
  str2: optional(string),
  str3: optional(string),
  int1: int,
  int2: int,
  net: optional(Network),
});
export interface WireError extends TypeOf<typeof WireError> {}

export interface VirErrorFields {
  /** A number of ErrorCode, or one of a newer libvirt. */
  readonly code: number;
  /** A number of ErrorDomain, or one of a newer libvirt. */
  readonly domain: number;
  readonly level?: number;
  readonly str1?: string | null;
  readonly str2?: string | null;
  readonly str3?: string | null;
  readonly int1?: number;
  readonly int2?: number;
  readonly cause?: unknown;
}

/** The one public error: what libvirt's wire can say, and no more. Told apart by `code`, never by its text. */
export class VirError extends Error {
  override readonly name = "VirError";
  readonly code: number;
  readonly domain: number;
  readonly level: number;
  readonly str1: string | null;
  readonly str2: string | null;
  readonly str3: string | null;
  readonly int1: number;
  readonly int2: number;

  constructor(message: string, fields: VirErrorFields) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = fields.code;
    this.domain = fields.domain;
    this.level = fields.level ?? ErrorLevel.error;
    this.str1 = fields.str1 ?? null;
    this.str2 = fields.str2 ?? null;
    this.str3 = fields.str3 ?? null;
    this.int1 = fields.int1 ?? -1;
    this.int2 = fields.int2 ?? -1;
  }

  /**
   * An error as libvirt words it: the code's own phrase, then `detail`.
   *
   *     VirError.of(ErrorCode.noDomain, ErrorDomain.qemu, "no domain with matching name 'x'")
   *     // message: Domain not found: no domain with matching name 'x'
   */
  static of(code: ErrorCode, domain: ErrorDomain, detail: string, cause?: unknown): VirError {
    const phrase = phrases[code];
    if (phrase === undefined) return new VirError(detail, { code, domain, str1: "%s", str2: detail, cause });
    return new VirError(`${phrase}${detail}`, { code, domain, str1: `${phrase}%s`, str2: detail, cause });
  }

  /** A failed system call; `errno` is the positive number. */
  static system(domain: ErrorDomain, errno: number, detail: string, cause?: unknown): VirError {
    const fields = { code: ErrorCode.systemError, domain, str1: "%s", str2: detail, int1: errno, cause };
    return new VirError(detail, fields);
  }

  /** Bits of `flags` outside `supported` are refused as libvirt's functions do; `caller` is the function's name. */
  static checkFlags(flags: number, supported: number, domain: ErrorDomain, caller: string): void {
    const unknown = (flags & ~supported) >>> 0;
    if (unknown === 0) return;
    const complaint = `unsupported flags (0x${unknown.toString(16)}) in function ${caller}`;
    throw VirError.wrongArgument(complaint, domain, caller, "flags");
  }

  /** Something wrong with an argument of the function `caller`, which libvirt tells in a sentence without a phrase. */
  static wrongArgument(complaint: string, domain: ErrorDomain, caller: string, argument: string): VirError {
    return new VirError(complaint, {
      code: ErrorCode.invalidArg,
      domain,
      str1: caller,
      str2: argument,
      int1: 0,
      int2: 0,
    });
  }

  static fromWire(wire: WireError): VirError {
    return new VirError(wire.message ?? "", wire);
  }

  toWire(): WireError {
    const { code, domain, level, int1, int2 } = this;
    const [str1, str2, str3] = [clip(this.str1), clip(this.str2), clip(this.str3)];
    return { code, domain, message: clip(this.message), level, dom: null, str1, str2, str3, int1, int2, net: null };
  }
}

/** An error is always short enough to be sent. */
function clip<T extends string | null>(text: T): string | T {
  return text === null || text.length <= 100_000 ? text : `${text.slice(0, 100_000)}...`;
}

/** What libvirt puts before the detail; a code that is not here puts nothing. */
const phrases: { readonly [code: number]: string } = {
  [ErrorCode.internalError]: "internal error: ",
  [ErrorCode.noMemory]: "out of memory: ",
  [ErrorCode.noSupport]: "this function is not supported by the connection driver: ",
  [ErrorCode.noConnect]: "no connection driver available for ",
  [ErrorCode.invalidArg]: "invalid argument: ",
  [ErrorCode.operationFailed]: "operation failed: ",
  [ErrorCode.xmlError]: "XML error: ",
  [ErrorCode.operationDenied]: "operation forbidden: ",
  [ErrorCode.authFailed]: "authentication failed: ",
  [ErrorCode.authCancelled]: "authentication cancelled: ",
  [ErrorCode.authUnavailable]: "authentication unavailable: ",
  [ErrorCode.noDomain]: "Domain not found: ",
  [ErrorCode.operationInvalid]: "Requested operation is not valid: ",
  [ErrorCode.configUnsupported]: "unsupported configuration: ",
  [ErrorCode.operationTimeout]: "Timed out during operation: ",
  [ErrorCode.argumentUnsupported]: "argument unsupported: ",
  [ErrorCode.operationAborted]: "operation aborted: ",
  [ErrorCode.operationUnsupported]: "Operation not supported: ",
  [ErrorCode.resourceBusy]: "resource busy: ",
  [ErrorCode.overflow]: "numerical overflow: ",
  [ErrorCode.accessDenied]: "access denied: ",
  [ErrorCode.agentUnresponsive]: "Guest agent is not responding: ",
  [ErrorCode.xmlInvalidSchema]: "XML document failed to validate against schema: ",
};
