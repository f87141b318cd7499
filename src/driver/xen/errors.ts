import { DeadlineError, StateError } from "../../event/index.ts";
import { LibxlError, ProcessEndedError } from "../../libxl/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";

export function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.libxl, detail);
}

export function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.libxl, detail);
}

export function internal(detail: string, cause?: unknown): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.libxl, detail, cause);
}

export function notRunning(): VirError {
  return invalid("domain is not running");
}

export function closed(): VirError {
  return internal("the Xen driver was closed");
}

/** What went wrong below, as a client is told. `what` is what was to be done: "create new domain 'a'". */
export function toVirError(error: unknown, what = "carry out the request"): unknown {
  if (error instanceof VirError) return error;
  if (error instanceof LibxlError) {
    const why = error.cause instanceof Error ? [error.cause.message] : [];
    const detail = `libxenlight failed to ${what}: ${[error.code, ...error.log, ...why].join(": ")}`;
    return VirError.of(codeOf(error), ErrorDomain.libxl, detail, error);
  }
  if (error instanceof ProcessEndedError) return internal(`libxenlight failed to ${what}: ${error.message}`, error);
  if (error instanceof DeadlineError) {
    return VirError.of(ErrorCode.operationTimeout, ErrorDomain.libxl, error.message, error);
  }
  if (error instanceof StateError) return internal(error.message, error);
  return error;
}

function codeOf({ code, cause }: LibxlError): ErrorCode {
  if (cause instanceof DeadlineError) return ErrorCode.operationTimeout;
  return code === "ABORTED" ? ErrorCode.operationAborted : ErrorCode.internalError;
}
