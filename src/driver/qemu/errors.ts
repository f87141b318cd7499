import { DeadlineError, StateError } from "../../event/index.ts";
import { SystemError } from "../../os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { CommandError, MonitorClosedError } from "../../qmp/index.ts";

/** QEMU ended, or closed its monitor, before the guest could start. */
export class QemuDiedError extends Error {
  override readonly name = "QemuDiedError";

  /** `lastWords` is what it printed. */
  constructor(lastWords: string, cause: Error) {
    super(`process exited while connecting to monitor: ${lastWords === "" ? "it said nothing" : lastWords}`, { cause });
  }
}

/** What went wrong below, in libvirt's numbers. What is not known here stays as it is. */
export function toVirError(error: unknown): unknown {
  const of = (code: ErrorCode, detail: string): VirError => VirError.of(code, ErrorDomain.qemu, detail, error);
  if (error instanceof CommandError) {
    return of(ErrorCode.internalError, `unable to execute QEMU command '${error.command}': ${error.message}`);
  }
  if (error instanceof QemuDiedError) return of(ErrorCode.internalError, error.message);
  if (error instanceof MonitorClosedError) return of(ErrorCode.operationFailed, "domain is no longer running");
  if (error instanceof DeadlineError) return of(ErrorCode.operationTimeout, error.message);
  if (error instanceof StateError) return of(ErrorCode.operationFailed, error.message);
  if (error instanceof SystemError) return VirError.system(ErrorDomain.qemu, error.errno, error.message, error);
  if (error instanceof Error && "errno" in error && typeof error.errno === "number") {
    return VirError.system(ErrorDomain.qemu, -error.errno, error.message, error);
  }
  return error;
}

export function notRunning(): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, "domain is not running");
}

export function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.qemu, detail);
}

export function noAgent(): VirError {
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.qemu, "QEMU guest agent is not configured");
}

export function closed(): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.qemu, "the driver is closed");
}
