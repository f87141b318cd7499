import type { Domain } from "../../../model/index.ts";
import type { Run } from "../run.ts";
import { filesOfGuest, type GuestFile } from "./guest-files.ts";
import type { Loans } from "./loans.ts";

export interface LendingOptions {
  /** The files that QEMU's user is given. Absent: none is. */
  readonly loans?: Pick<Loans, "lend" | "takeBack">;
  /** Hears of what went wrong where no caller is to be told. */
  readonly report: (error: unknown) => void;
}

/** What runs are lent beside what their definitions show when they start. */
export class Lending {
  readonly #options: LendingOptions;
  readonly #runOf: (domain: Domain) => Run | undefined;
  /** What runs are about to use, and do not show yet. */
  readonly #awaited = new Map<Run, GuestFile[]>();

  constructor(options: LendingOptions, runOf: (domain: Domain) => Run | undefined) {
    this.#options = options;
    this.#runOf = runOf;
  }

  /**
   * Lends a run files that its definition does not show yet, while `body` makes use of them; what it does not show afterwards
   * is taken back. Under the domain's job. Rejects with VirError, and as `body`.
   */
  async during<T>(run: Run, files: readonly GuestFile[], body: () => Promise<T>): Promise<T> {
    const { loans } = this.#options;
    const { definition } = run.domain;
    if (loans === undefined || definition === undefined) return body();
    this.#awaited.set(run, [...this.#awaitedBy(run), ...files]);
    try {
      await loans.lend(definition, files);
      return await body();
    } finally {
      const rest = this.#awaitedBy(run).filter((file) => !files.includes(file));
      if (rest.length === 0) this.#awaited.delete(run);
      else this.#awaited.set(run, rest);
      this.takeBackUnused(run);
    }
  }

  /** Takes back what a run does not use any more; all of it when it is gone. */
  takeBackUnused(run: Run): void {
    const { loans, report } = this.#options;
    const { domain } = run;
    const now = this.#runOf(domain);
    if (loans === undefined || (now !== undefined && now !== run)) return;
    const shown = domain.definition;
    if (now === undefined || shown === undefined) return loans.takeBack(domain.uuid);
    try {
      loans.takeBack(domain.uuid, [...filesOfGuest(shown.root), ...this.#awaitedBy(run)]);
    } catch (error) {
      report(error);
    }
  }

  #awaitedBy(run: Run): readonly GuestFile[] {
    return this.#awaited.get(run) ?? [];
  }
}
