import * as libc from "./libc.ts";

const monotonic = 1;
const nonBlockingCloseOnExec = 0o2004000;
const absolute = 1;
/** 68 years of uptime: a deadline beyond it costs a turn for nothing then, and is not due. */
const latestSeconds = 2 ** 31;

/** One timerfd on the monotonic clock, the clock of `process.hrtime`. */
export class Alarm {
  readonly fd = libc.check(
    libc.timerfdCreate(monotonic, nonBlockingCloseOnExec),
    "timerfd_create",
    "for an event loop",
  );
  /** struct itimerspec in 32-bit words: interval (0: one-shot), then seconds and nanoseconds, low word first. */
  readonly #value = new Uint32Array(8);
  #deadline: number | undefined;
  #rung = false;

  /** Becomes readable at `deadline` (milliseconds), never before; undefined takes the wish back. */
  set(deadline: number | undefined): void {
    if (deadline === this.#deadline && !this.#rung) return;
    this.#deadline = deadline;
    this.#rung = false;
    if (deadline === undefined) this.#arm(0, 0);
    else this.#armAt(deadline);
  }

  /** It was found readable, and stays so until the next `set`. */
  ring(): void {
    this.#rung = true;
  }

  close(): void {
    libc.close(this.fd);
  }

  #armAt(deadline: number): void {
    const seconds = Math.min(Math.max(Math.floor(deadline / 1000), 0), latestSeconds);
    // Rounded up, so as not to be early. At least 1: zero would mean "disarmed" instead of "at once".
    const nanoseconds = Math.max(Math.ceil((deadline - seconds * 1000) * 1e6), 1);
    if (nanoseconds < 1e9) this.#arm(seconds, nanoseconds);
    else this.#arm(seconds + 1, 0);
  }

  #arm(seconds: number, nanoseconds: number): void {
    this.#value[4] = seconds;
    this.#value[6] = nanoseconds;
    libc.check(libc.timerfdSettime(this.fd, absolute, this.#value, null), "timerfd_settime", `fd ${this.fd}`);
  }
}
