import { getSystemErrorMessage, getSystemErrorName } from "node:util";

/**
 * What the kernel refused. `code` is the errno's name ("ECONNREFUSED"), `errno` its positive number, `syscall` the call,
 * and `subject` what it was about ("fd 7", a path, "pid 12").
 */
export class SystemError extends Error {
  override readonly name = "SystemError";
  readonly errno: number;
  readonly code: string;
  readonly syscall: string;
  readonly subject: string;

  constructor(errno: number, syscall: string, subject: string, fix?: string) {
    const code = getSystemErrorName(-errno);
    const advice = fix === undefined ? "" : `: ${fix}`;
    super(`${syscall} ${subject}: ${getSystemErrorMessage(-errno)} (${code})${advice}`);
    this.errno = errno;
    this.code = code;
    this.syscall = syscall;
    this.subject = subject;
  }
}
