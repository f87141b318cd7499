/** libxl's error codes by number, without the ERROR_ of C. */
const names: Readonly<Record<number, string>> = {
  [-1]: "NONSPECIFIC",
  [-2]: "VERSION",
  [-3]: "FAIL",
  [-4]: "NI",
  [-5]: "NOMEM",
  [-6]: "INVAL",
  [-7]: "BADFAIL",
  [-8]: "GUEST_TIMEDOUT",
  [-9]: "TIMEDOUT",
  [-10]: "NOPARAVIRT",
  [-11]: "NOT_READY",
  [-12]: "OSEVENT_REG_FAIL",
  [-13]: "BUFFERFULL",
  [-14]: "UNKNOWN_CHILD",
  [-15]: "LOCK_FAIL",
  [-16]: "JSON_CONFIG_EMPTY",
  [-17]: "DEVICE_EXISTS",
  [-18]: "CHECKPOINT_DEVOPS_DOES_NOT_MATCH",
  [-19]: "CHECKPOINT_DEVICE_NOT_SUPPORTED",
  [-20]: "VNUMA_CONFIG_INVALID",
  [-21]: "DOMAIN_NOTFOUND",
  [-22]: "ABORTED",
  [-23]: "NOTFOUND",
  [-24]: "DOMAIN_DESTROYED",
  [-25]: "FEATURE_REMOVED",
  [-26]: "PROTOCOL_ERROR_QMP",
  [-27]: "UNKNOWN_QMP_ERROR",
  [-28]: "QMP_GENERIC_ERROR",
  [-29]: "QMP_COMMAND_NOT_FOUND",
  [-30]: "QMP_DEVICE_NOT_ACTIVE",
  [-31]: "QMP_DEVICE_NOT_FOUND",
  [-32]: "QEMU_API",
};

/** What a hook of ours answers when it has failed. */
export const registrationFailed = -12;
export const failure = -3;
export const domainNotFound = -21;

export interface LibxlErrorDetail {
  readonly log?: readonly string[];
  readonly domid?: number | undefined;
  readonly cause?: unknown;
}

/**
 * libxl refused or gave up. `code` is the name of its error ("DOMAIN_NOTFOUND"), `rc` its number, `call` what was asked,
 * `log` what the library said at level "error" or above while that went on. `domid` is the domain that a create or restore
 * had begun to make: libxl has removed it again, unless it was aborted, when it may be left for the caller to destroy.
 * With code "ABORTED", `cause` is why we asked it to stop.
 */
export class LibxlError extends Error {
  override readonly name = "LibxlError";
  readonly rc: number;
  readonly code: string;
  readonly call: string;
  readonly log: readonly string[];
  readonly domid: number | undefined;

  constructor(rc: number, call: string, { log = [], domid, cause }: LibxlErrorDetail = {}) {
    const code = names[rc] ?? `error ${rc}`;
    super([call, code, ...log].join(": "), cause === undefined ? {} : { cause });
    this.rc = rc;
    this.code = code;
    this.call = call;
    this.log = log;
    this.domid = domid;
  }
}

/** The library cannot be used here; the message says why, and what would help. */
export class LibraryError extends Error {
  override readonly name = "LibraryError";
}
