/** xenstored refused a request, or would: it is out of the limits of the protocol and was not sent. */
export class XenstoreError extends Error {
  override readonly name = "XenstoreError";
  /** As xenstored names it: "ENOENT", "EACCES", "EAGAIN", "EEXIST", "EINVAL", "ENOSPC", "E2BIG" and others. */
  readonly errno: string;

  constructor(errno: string, message: string) {
    super(message);
    this.errno = errno;
  }
}

/** The connection to xenstored is over; `cause` says more where more is known. */
export class XenstoreClosedError extends Error {
  override readonly name = "XenstoreClosedError";
}
