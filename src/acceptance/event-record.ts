import type { DomainEvent } from "../client/index.ts";

/** How an event is written down: "started booted", "reboot". */
export function eventText(event: DomainEvent): string {
  return event.name === "lifecycle" ? `${event.event} ${event.detail}` : event.name;
}

/**
 * The events of one domain, in order, each to be taken once.
 *
 * add:    one has come.
 * expect: takes what a step has to bring; resolves when it is there, or with what is wrong at the first that does not fit,
 *         or when `signal` says that there was time enough.
 * fail:   no more will come.
 */
export class EventRecord {
  /** Not taken yet. */
  readonly #waiting: string[] = [];
  #failure: { readonly cause: unknown } | undefined;
  #wake: () => void = () => {};

  add(event: DomainEvent): void {
    this.#waiting.push(eventText(event));
    this.#wake();
  }

  fail(cause: unknown): void {
    this.#failure = { cause };
    this.#wake();
  }

  /** What nobody has taken; they count as taken then. */
  drain(): string[] {
    return this.#waiting.splice(0);
  }

  async expect(
    expected: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly seen: string[]; readonly fits: boolean }> {
    const seen: string[] = [];
    const left = expected.map(parsePattern);
    /** The one before may come again. */
    let again: string | undefined;
    while (left.some(({ isOptional }) => !isOptional) || this.#waiting.length > 0) {
      const [first] = this.#waiting;
      if (first === undefined) {
        if (this.#failure !== undefined || signal.aborted) return { seen, fits: false };
        await this.#next(signal);
        continue;
      }
      if (first !== again) {
        while (left[0]?.isOptional === true && left[0].text !== first) left.shift();
        // What comes behind all that is wanted is the next step's surprise.
        if (left.length === 0) return { seen, fits: true };
        const wanted = left.shift();
        if (wanted?.text !== first) return { seen: [...seen, ...this.drain()], fits: false };
        again = wanted.isRepeated ? first : undefined;
      }
      this.#waiting.shift();
      seen.push(first);
    }
    return { seen, fits: true };
  }

  /** What may still come of the step before is no surprise for the next. */
  skip(expected: readonly string[]): void {
    const late = new Set(expected.map(parsePattern).flatMap((each) => (each.isOptional ? [each.text] : [])));
    while (this.#waiting[0] !== undefined && late.has(this.#waiting[0])) this.#waiting.shift();
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wake = () => {};
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener("abort", done);
    });
  }
}

interface Pattern {
  readonly text: string;
  readonly isOptional: boolean;
  readonly isRepeated: boolean;
}

function parsePattern(pattern: string): Pattern {
  const isOptional = pattern.startsWith("?");
  const isRepeated = pattern.endsWith("+");
  return { text: pattern.slice(isOptional ? 1 : 0, isRepeated ? -1 : undefined), isOptional, isRepeated };
}
