import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Polkit, PolkitAnswer, PolkitSubject } from "./polkit.ts";

export interface PolkitLogInOptions {
  /** Absent: there is none to be asked. */
  readonly polkit: Polkit | undefined;
  /** Absent: nobody knows whose connection it is. */
  readonly subject: PolkitSubject | undefined;
  /** The connection is to be read-only. */
  readonly readOnly: boolean;
  readonly onAllowed: () => void;
  /** A refusal, and the reason. */
  readonly onRefusal: (reason: string) => void;
}

/**
 * Whether polkit lets a connection in. One question at a time: who asks meanwhile gets the same answer.
 *
 * close: who has left is not asked about any more.
 */
export class PolkitLogIn {
  readonly #options: PolkitLogInOptions;
  readonly #left = new AbortController();
  #asking: Promise<void> | undefined;

  constructor(options: PolkitLogInOptions) {
    this.#options = options;
  }

  /** Somebody may be typing a password. */
  get isAsking(): boolean {
    return this.#asking !== undefined;
  }

  /** Rejects with VirError, in libvirt's words, when it does not. */
  ask(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  close(): void {
    this.#left.abort(new Error("the connection is closed"));
  }

  async #ask(): Promise<void> {
    const { polkit, subject, readOnly, onAllowed, onRefusal } = this.#options;
    const action = readOnly ? "org.libvirt.unix.monitor" : "org.libvirt.unix.manage";
    const { signal } = this.#left;
    let answer: PolkitAnswer;
    try {
      if (polkit === undefined || subject === undefined) throw new Error("nobody knows whose connection it is");
      answer = await polkit.ask({ action, subject, isInteractive: true }, signal);
    } catch (error) {
      if (!signal.aborted) onRefusal(`polkit was asked for ${action}: ${(error as Error).message}`);
      throw VirError.of(ErrorCode.authFailed, ErrorDomain.polkit, "polkit cannot be asked", error);
    }
    if (signal.aborted) return;
    if (answer === "allowed") return onAllowed();
    onRefusal(`polkit says of ${action}: ${answer}`);
    throw refusal(answer, action);
  }
}

function refusal(answer: Exclude<PolkitAnswer, "allowed">, action: string): VirError {
  const [code, detail] = {
    denied: [ErrorCode.authFailed, "access denied by policy"],
    "no agent": [ErrorCode.authUnavailable, `no polkit agent available to authenticate action '${action}'`],
    dismissed: [ErrorCode.authCancelled, "user cancelled authentication process"],
  }[answer] as [ErrorCode, string];
  return VirError.of(code, ErrorDomain.polkit, detail);
}
