import type { Call, TypedParam } from "../protocol/index.ts";
import type { Stream } from "../rpc/index.ts";
import { fromParams } from "./typed-values.ts";
import { type Reading, readingOf, type Wrap } from "./values.ts";
import { channelOf, readableOf, writableOf } from "./web-streams.ts";

/** What the caller of a method hears of its row's reply: the fields in `told`, by their names where they are several. */
export function answerOf(name: string, row: Call, told: readonly string[]): Reading {
  if (row.stream !== undefined) return streamAnswer(row, told);
  if (row.fds === "reply") return (ret) => (ret as { readonly fds: readonly number[] }).fds;
  if (name === "domainGetCpuStats") return (ret) => cpuStats(ret as never);
  return fieldsAnswer(name, row, told);
}

function fieldsAnswer(name: string, row: Call, told: readonly string[]): Reading {
  const readings = told.map((field) => (isTruth(name, field) ? asTruth : readingOf(row.ret.fields[field] as never)));
  const [only, ...others] = told;
  const [first] = readings;
  if (only === undefined || first === undefined) return () => undefined;
  if (others.length === 0) return (ret, wrap) => first((ret as Values)[only], wrap);
  return (ret, wrap) => readFields(told, readings, ret as Values, wrap);
}

type Values = Readonly<Record<string, unknown>>;

function readFields(
  names: readonly string[],
  readings: readonly Reading[],
  values: Values,
  wrap: Wrap,
): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    read[name] = readings[index]?.(values[name], wrap);
  }
  return read;
}

/** An int of C's that says yes or no. */
function isTruth(row: string, field: string): boolean {
  return /Is[A-Z]|Has[A-Z]/.test(row) || field === "autostart" || field === "supported";
}

const asTruth: Reading = (value) => value !== 0;

/** One processor's after the other's, `nparams` of each. */
function cpuStats({ params, nparams }: { readonly params: readonly TypedParam[]; readonly nparams: number }): unknown {
  const stats: unknown[] = [];
  for (let at = 0; nparams > 0 && at < params.length; at += nparams)
    stats.push(fromParams(params.slice(at, at + nparams)));
  return stats;
}

function streamAnswer({ stream, ret }: Call, told: readonly string[]): Reading {
  const direction = stream?.direction;
  const endOf = direction === "both" ? channelOf : direction === "upload" ? writableOf : readableOf;
  const readings = told.map((field) => readingOf(ret.fields[field] as never));
  return (opened, wrap) => {
    const { ret, stream } = opened as { readonly ret: Values; readonly stream: Stream };
    const end = endOf(stream);
    return told.length === 0 ? end : { ...readFields(told, readings, ret, wrap), stream: end };
  };
}
