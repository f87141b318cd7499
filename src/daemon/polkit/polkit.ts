import { DeadlineError, type Loop } from "../../event/index.ts";

/** A process, so that a later one with its number is not taken for it; and its user, whatever it is by now. */
export interface PolkitSubject {
  readonly pid: number;
  /** Clock ticks from boot to the start of the process. */
  readonly startTime: number;
  readonly uid: number;
}

export interface PolkitQuestion {
  /** "org.libvirt.unix.manage". */
  readonly action: string;
  readonly subject: PolkitSubject;
  /** For polkit's rules to look at. */
  readonly details?: Readonly<Record<string, string>>;
  /** Somebody may be asked for a password. */
  readonly isInteractive?: boolean;
}

/** What polkit says; "no agent": nobody is there whom it could ask for a password. */
export type PolkitAnswer = "allowed" | "denied" | "no agent" | "dismissed";

/** Runs pkcheck with these arguments; resolves with its exit code, undefined when a signal has ended it. */
export type Pkcheck = (args: readonly string[], timeoutMs: number, signal: AbortSignal) => Promise<number | undefined>;

export interface PolkitOptions {
  readonly loop: Loop;
  readonly pkcheck: Pkcheck;
  /** Processes at once. Default 8. */
  readonly atOnce?: number;
  /** Of them, for one user: others get their turn however many questions somebody has. Default 3. */
  readonly atOnceForOne?: number;
  /** Of them, where somebody may be asked for a password and takes a minute: one for each user. Default 4. */
  readonly interactiveAtOnce?: number;
  /** How many of one user's may wait. Default 100. */
  readonly waitingForOne?: number;
  /** From the question to its answer; where somebody may be asked, the second. Default 20,000 and 60,000. */
  readonly timeoutMs?: number;
  readonly interactiveMs?: number;
}

/** Whose it is, and whether somebody may be asked. */
interface Turn {
  readonly uid: number;
  readonly isInteractive: boolean;
}

interface Waiting extends Turn {
  readonly begin: () => void;
}

/** Asks polkit by its program, a process for each question. */
export class Polkit {
  readonly #options: Required<PolkitOptions>;
  readonly #waiting = new Set<Waiting>();
  /** By user. */
  readonly #running = new Map<number, number>();
  /** Users who may be asked for a password now. */
  readonly #interactive = new Set<number>();
  #count = 0;

  constructor(options: PolkitOptions) {
    this.#options = {
      atOnce: 8,
      atOnceForOne: 3,
      interactiveAtOnce: 4,
      waitingForOne: 100,
      timeoutMs: 20_000,
      interactiveMs: 60_000,
      ...options,
    };
  }

  /**
   * Rejects with DeadlineError when there is no answer in time or too many of the user's wait, with the signal's reason, and with an Error when
   * pkcheck cannot be run or does not understand the question.
   */
  async ask(question: PolkitQuestion, signal: AbortSignal = new AbortController().signal): Promise<PolkitAnswer> {
    const { loop, pkcheck, timeoutMs, interactiveMs } = this.#options;
    const { subject, isInteractive = false } = question;
    signal.throwIfAborted();
    const given = isInteractive ? interactiveMs : timeoutMs;
    const stop = new AbortController();
    const late = loop.timeout(
      loop.now() + given,
      () =>
        stop.abort(
          new DeadlineError(`polkit has not said within ${given / 1000} s whether ${question.action} is allowed`),
        ),
      { name: "polkit" },
    );
    const turn = { uid: subject.uid, isInteractive };
    const either = AbortSignal.any([signal, stop.signal]);
    try {
      await this.#begin(turn, either);
      try {
        return answerOf(await pkcheck(argumentsOf(question), given, either));
      } finally {
        this.#release(turn);
      }
    } finally {
      late.remove();
    }
  }

  #begin(turn: Turn, signal: AbortSignal): Promise<void> {
    const { uid } = turn;
    if (this.#hasRoom(turn)) {
      this.#take(turn);
      return Promise.resolve();
    }
    const already = [...this.#waiting].filter((each) => each.uid === uid).length;
    if (already >= this.#options.waitingForOne)
      return Promise.reject(new DeadlineError(`${already} questions about user ${uid} are waiting for polkit already`));
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(waiting);
        reject(signal.reason as Error);
      };
      const waiting: Waiting = {
        ...turn,
        begin: () => {
          signal.removeEventListener("abort", giveUp);
          this.#waiting.delete(waiting);
          this.#take(turn);
          resolve();
        },
      };
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.add(waiting);
    });
  }

  #hasRoom({ uid, isInteractive }: Turn): boolean {
    const { atOnce, atOnceForOne, interactiveAtOnce } = this.#options;
    if (isInteractive && (this.#interactive.size >= interactiveAtOnce || this.#interactive.has(uid))) return false;
    return this.#count < atOnce && (this.#running.get(uid) ?? 0) < atOnceForOne;
  }

  #take({ uid, isInteractive }: Turn): void {
    this.#count++;
    this.#running.set(uid, (this.#running.get(uid) ?? 0) + 1);
    if (isInteractive) this.#interactive.add(uid);
  }

  #release({ uid, isInteractive }: Turn): void {
    this.#count--;
    const left = (this.#running.get(uid) ?? 1) - 1;
    if (left === 0) this.#running.delete(uid);
    else this.#running.set(uid, left);
    if (isInteractive) this.#interactive.delete(uid);
    // One that ends may have kept several waiting, each for another reason.
    for (const waiting of this.#waiting) if (this.#hasRoom(waiting)) waiting.begin();
  }
}

function argumentsOf({ action, subject, details = {}, isInteractive = false }: PolkitQuestion): string[] {
  const { pid, startTime, uid } = subject;
  const told = Object.entries(details).flatMap(([key, value]) => ["--detail", key, value]);
  const agent = isInteractive ? ["--allow-user-interaction"] : [];
  return ["--action-id", action, "--process", `${pid},${startTime},${uid}`, ...told, ...agent];
}

function answerOf(code: number | undefined): PolkitAnswer {
  const answers: readonly PolkitAnswer[] = ["allowed", "denied", "no agent", "dismissed"];
  const answer = code === undefined ? undefined : answers[code];
  if (answer === undefined) throw new Error(`pkcheck has ended with ${code ?? "a signal"}: polkit cannot be asked`);
  return answer;
}
