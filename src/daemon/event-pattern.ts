import { createContext, Script } from "node:vm";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";

/** VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_*. */
const regularExpression = 1;
const eitherCase = 2;

/** How long one comparison may keep everybody else waiting, in milliseconds: on a busy machine the simplest takes some 20. */
const patienceMs = 100;
/** So many that took longer, and an expression is not tried any more. */
const mostTooLong = 2;

/**
 * What a client asked for: all events of monitors, one by its name, or those whose name a regular expression finds. Such
 * an expression is anybody's and may take for ever: what does not end soon is no match, and each name is compared once.
 */
export class EventPattern {
  readonly #compare: (name: string) => boolean;
  readonly #known = new Map<string, boolean>();

  /** Throws VirError for what is no regular expression. */
  constructor(text: string | null, flags: number) {
    this.#compare = comparison(text, flags);
  }

  matches(name: string): boolean {
    const known = this.#known.get(name) ?? this.#compare(name);
    if (this.#known.size < mostNames) this.#known.set(name, known);
    return known;
  }
}

/** QEMU has some 60. */
const mostNames = 200;

function comparison(text: string | null, flags: number): (name: string) => boolean {
  const ignoresCase = (flags & eitherCase) !== 0;
  if (text === null) return () => true;
  if ((flags & regularExpression) !== 0) return search(compile(text, ignoresCase));
  const fold = (name: string): string => (ignoresCase ? name.toLowerCase() : name);
  return (name) => fold(name) === fold(text);
}

function compile(text: string, ignoresCase: boolean): RegExp {
  try {
    return new RegExp(text, ignoresCase ? "i" : "");
  } catch (error) {
    const detail = `failed to compile regex '${text}': ${(error as Error).message}`;
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.none, detail, error);
  }
}

function search(expression: RegExp): (name: string) => boolean {
  const script = new Script("expression.test(name)");
  let tooLong = 0;
  return (name) => {
    if (tooLong === mostTooLong) return false;
    try {
      return script.runInContext(createContext({ expression, name }), { timeout: patienceMs }) === true;
    } catch {
      tooLong++;
      return false;
    }
  };
}
