import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { UserTable } from "./credential.ts";
import { type Answer, type Mechanism, RefusedError } from "./mechanism.ts";
import type { PasswordGate } from "./password-gate.ts";
import { Plain, type TryPassword } from "./plain.ts";
import { Scram } from "./scram.ts";

export interface LogInOptions {
  readonly users: UserTable;
  /** Undefined when somebody who has proved to be this user may come in; else why not. */
  readonly refuse: (user: string) => string | undefined;
  /** The daemon's, for all who log in. */
  readonly gate: PasswordGate;
  /** The client is still there. */
  readonly isWanted: () => boolean;
  readonly onUser: (user: string) => void;
  /** A refusal, and the reason that the client does not hear; `isLast`: it has had its chances. */
  readonly onRefusal: (reason: string, isLast: boolean) => void;
}

/** What the client hears of a round. */
export interface Round {
  readonly complete: number;
  readonly nil: number;
  readonly data: Uint8Array;
}

/** How often a connection may try. */
const chances = 3;

const mechanisms: { readonly [name: string]: (users: UserTable, tryPassword: TryPassword) => Mechanism } = {
  "SCRAM-SHA-256": (users) => new Scram(users),
  PLAIN: (users, tryPassword) => new Plain(users, tryPassword),
};

/**
 * How a client of one connection proves who it is.
 *
 *     idle <-> under way -> done
 *
 * start: idle, under way (which begins anew) -> under way or done.
 * step:  under way -> under way or done.
 * Both: after a refusal idle, for as long as there are chances.
 */
export class LogIn {
  readonly #options: LogInOptions;
  #mechanism: Mechanism | undefined;
  #refusals = 0;
  #isDone = false;
  /** A password is being tried: one at a time, for that costs us more than the client. */
  #isBusy = false;

  constructor(options: LogInOptions) {
    this.#options = options;
  }

  get offered(): string {
    return Object.keys(mechanisms).join(",");
  }

  async start(name: string, data: Uint8Array | null): Promise<Round> {
    const make = Object.hasOwn(mechanisms, name) ? mechanisms[name] : undefined;
    if (this.#isBusy) return this.#refuse("two attempts at once");
    if (make === undefined) return this.#refuse(`${JSON.stringify(name)} is none of ${this.offered}`);
    const { users, gate, isWanted } = this.#options;
    this.#mechanism = make(users, (attempt) => gate.run(isWanted, attempt));
    // A mechanism in which the client speaks first, and it has not.
    if (data === null) return { complete: 0, nil: 1, data: new Uint8Array() };
    return this.step(data);
  }

  async step(data: Uint8Array): Promise<Round> {
    const mechanism = this.#mechanism;
    if (this.#isBusy) return this.#refuse("two attempts at once");
    if (mechanism === undefined || this.#isDone || this.#refusals >= chances)
      return this.#refuse("no attempt is under way");
    this.#isBusy = true;
    let answer: Answer;
    try {
      answer = await mechanism.step(data);
    } catch (error) {
      // What a fault of ours says, as where the users' file is, is nothing for somebody whom nobody knows.
      return this.#refuse(error instanceof RefusedError ? error.message : `it cannot be decided: ${String(error)}`);
    } finally {
      this.#isBusy = false;
    }
    // Meanwhile a second one may have been tried, and refused.
    return this.#mechanism === mechanism ? this.#accept(answer) : this.#refuse("two attempts at once");
  }

  #accept({ data, user }: Answer): Round {
    if (user !== undefined) {
      const reason = this.#options.refuse(user);
      if (reason !== undefined) return this.#refuse(reason);
      this.#isDone = true;
      this.#mechanism = undefined;
      this.#options.onUser(user);
    }
    return { complete: Number(user !== undefined), nil: Number(data === null), data: data ?? new Uint8Array() };
  }

  #refuse(reason: string): never {
    this.#mechanism = undefined;
    this.#refusals++;
    this.#options.onRefusal(reason, this.#refusals >= chances);
    throw VirError.of(ErrorCode.authFailed, ErrorDomain.rpc, "authentication failed");
  }
}
