import type { Proxy, RecordedCall } from "./proxy.ts";

/**
 * Calls as lines: the same call with the same arguments is one line, and what it was answered last. An event is a line
 * with no answer.
 */
export type Transcript = ReadonlyMap<string, string>;

/**
 * What was said, without what may differ from run to run: how often and in which order things were asked (clients ask
 * again and again, from several threads), uuids that were drawn, the order of objects in a list, and time.
 */
export function transcriptOf({ calls, events }: Proxy, readable: (call: RecordedCall) => string = lineOf): Transcript {
  const answered = calls.filter(({ outcome }) => outcome !== undefined);
  return new Map([
    ...answered.map((call): [string, string] => [readable(call), outcomeOf(call)]),
    ...events.map(({ name, message }): [string, string] => [`${name} ${show(message)}`, ""]),
  ]);
}

/** As `transcriptOf`, but of what was answered only whether it was, or the number of the error; without events. */
export function outlineOf({ calls }: Proxy, readable: (call: RecordedCall) => string = lineOf): Transcript {
  const answered = calls.filter(({ outcome }) => outcome !== undefined);
  return new Map(
    answered.map((call) => {
      const { outcome } = call;
      const isRefused = outcome !== undefined && "error" in outcome;
      return [readable(call), isRefused ? `error ${outcome.error.code} of ${outcome.error.domain}` : "answered"];
    }),
  );
}

/** Up to and including the last call of that name, in order. */
export function beginningOf({ calls }: Proxy, lastName: string): string[] {
  const last = calls.findLastIndex(({ name }) => name === lastName);
  return calls.slice(0, last + 1).map((call) => lineOf(call));
}

export function lineOf({ name, args }: RecordedCall): string {
  return `${name} ${show(args)}`;
}

/** Lines of one side alone, or with another outcome. */
export function differencesOf(theirs: Transcript, ours: Transcript): string[] {
  const keys = new Set([...theirs.keys(), ...ours.keys()]);
  return [...keys]
    .filter((key) => theirs.get(key) !== ours.get(key))
    .map((key) => `${key}\n  theirs: ${theirs.get(key) ?? "never"}\n  ours:   ${ours.get(key) ?? "never"}`);
}

function outcomeOf({ outcome }: RecordedCall): string {
  if (outcome === undefined) return "unanswered";
  if ("ret" in outcome) return show(outcome.ret);
  const { code, domain, message } = outcome.error;
  return `error ${code} of ${domain}: ${message ?? ""}`;
}

function show(value: unknown): string {
  return JSON.stringify(value, stable)?.replaceAll(drawnUuid, "UUID") ?? "";
}

/** Nanoseconds since the start are written as such. */
function stable(key: string, value: unknown): unknown {
  if (key === "cpuTime") return "TIME";
  // Each daemon's own.
  if (key === "callbackId") return undefined;
  if (typeof value === "bigint") return String(value);
  if (!Array.isArray(value)) return value;
  return value.toSorted((one, other) => (JSON.stringify(one, stable) < JSON.stringify(other, stable) ? -1 : 1));
}

/** One that was given to an object that had none. */
const drawnUuid = /[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/g;
