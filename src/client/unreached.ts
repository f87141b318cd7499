import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";

/** Why calls fail that were under way. */
export function lost(cause: Error | undefined): VirError {
  const detail =
    cause === undefined ? "the server has closed the connection" : `the connection was lost: ${cause.message}`;
  return VirError.of(ErrorCode.internalError, ErrorDomain.rpc, detail, cause);
}

export function gaveUp(error: unknown, cause: unknown): VirError {
  const why = error instanceof Error ? error.message : String(error);
  const detail = `the connection was lost and cannot be opened again: ${why}`;
  return VirError.of(ErrorCode.internalError, ErrorDomain.rpc, detail, cause);
}

export function tooLate(timeoutMs: number): VirError {
  return VirError.of(ErrorCode.operationTimeout, ErrorDomain.rpc, `the server was not reached within ${timeoutMs} ms`);
}
