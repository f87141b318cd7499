/** QEMU refused a command. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly command: string;
  /** QMP's error class; nearly always "GenericError". */
  readonly errorClass: string;

  constructor(command: string, errorClass: string, description: string) {
    super(description);
    this.command = command;
    this.errorClass = errorClass;
  }
}

/** The connection to QEMU is over; `cause` says more where more is known. */
export class MonitorClosedError extends Error {
  override readonly name = "MonitorClosedError";
}
