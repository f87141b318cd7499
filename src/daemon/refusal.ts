import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";

/** The daemon's own errors, as libvirt words them. */
export function rpcError(detail: string, cause?: unknown): VirError {
  return VirError.of(ErrorCode.rpc, ErrorDomain.rpc, detail, cause);
}

export function internalError(detail: string, cause?: unknown): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.rpc, detail, cause);
}
