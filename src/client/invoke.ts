import { remote, type TypedParam, type Domain as WireDomain } from "../protocol/index.ts";
import type { Stream, CallOptions as WireOptions } from "../rpc/index.ts";
import { flagBits } from "./flags.ts";
import { type MethodPlan, planOf } from "./method-plan.ts";
import type { CallOptions } from "./method-types.ts";
import type { RowName } from "./rows.ts";
import type { Session } from "./session.ts";
import { fromParams } from "./typed-values.ts";
import { fromWire, toWire, type Wrap } from "./values.ts";
import { channelOf, readableOf, writableOf } from "./web-streams.ts";

interface FlaggedOptions extends CallOptions {
  readonly flags?: number | string | readonly string[];
}

/** What a caller has given, sorted. */
export interface MethodCall {
  readonly plan: MethodPlan;
  /** The arguments of the row, but for the object itself. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly options: CallOptions;
  /** The row without flags says what the caller hears. */
  readonly told: MethodPlan;
}

/** Throws TypeError for what cannot be meant. */
export function splitGiven(name: RowName, given: readonly unknown[], timeoutMs: number | undefined): MethodCall {
  const told = planOf(name);
  const takesValue = told.given.length > 0;
  const { flags, ...own } = ((takesValue ? given[1] : given[0]) ?? {}) as FlaggedOptions;
  const options = own.timeoutMs === undefined && timeoutMs !== undefined ? { ...own, timeoutMs } : own;
  const plan = flags !== undefined && told.flagged !== undefined ? planOf(told.flagged) : told;
  if (flags !== undefined && !plan.hasFlags) throw new TypeError(`${name} takes no flags`);
  const values = valuesOf(told, given[0]);
  const { fields } = plan.row.args;
  const args: Record<string, unknown> = { ...plan.implied };
  for (const field of plan.given) args[field] = toWire(fields[field] as never, values[field]);
  if (plan.hasFlags) args["flags"] = flags === undefined ? 0 : flagBits(plan.name, flags);
  return { plan, args, options, told };
}

/** The arguments by name: given as an object where there are several. */
function valuesOf({ given, name }: MethodPlan, value: unknown): Readonly<Record<string, unknown>> {
  const [first] = given;
  if (first === undefined) return {};
  if (given.length === 1) return { [first]: value };
  if (typeof value !== "object" || value === null) throw new TypeError(`${name} takes an object: ${given.join(", ")}`);
  const unknown = Object.keys(value).find((field) => !given.includes(field));
  if (unknown !== undefined)
    throw new TypeError(`${name} has no argument "${unknown}"; there are: ${given.join(", ")}`);
  return value as Readonly<Record<string, unknown>>;
}

/** Makes the call, and gives what it says. Rejects as the call does. */
export async function invokeRow(
  session: Session,
  call: MethodCall,
  self: object | undefined,
  wrap: Wrap,
): Promise<unknown> {
  const { plan, options, told } = call;
  const args = { ...call.args, ...(self !== undefined && { [plan.self]: selfOf(plan, self) }) };
  const make = (options: WireOptions): Promise<unknown> => callRow(session, plan, args, options);
  const { fds, ...extended } = options;
  const withFds = (wire: WireOptions): WireOptions => (fds === undefined ? wire : { ...wire, fds });
  const ret = await session.extensions.run(extended, (wire) => make(withFds(wire)));
  if (plan.row.stream !== undefined) return streamResult(plan, ret, wrap);
  if (plan.row.fds === "reply") return (ret as { readonly fds: readonly number[] }).fds;
  return resultOf(told, plan, ret, wrap);
}

/** A device of the host is known by its name alone. */
function selfOf(plan: MethodPlan, self: object): unknown {
  return plan.self === "name" ? (self as { readonly name: string }).name : self;
}

async function callRow(
  session: Session,
  plan: MethodPlan,
  args: Readonly<Record<string, unknown>>,
  options: WireOptions,
): Promise<unknown> {
  const { wire } = session;
  const { name, row } = plan;
  if (row.stream !== undefined) return wire.openStream(remote, name as never, args as never, options);
  if (row.fds === "reply") return wire.callForFds(remote, name as never, args as never, options);
  if (!plan.asksCount) return wire.call(remote, name as never, args as never, options);
  // How many there are is asked first: some drivers take no other number.
  const nparams = await countOf(session, plan, args);
  if (nparams === 0) return { params: [], nparams };
  return wire.call(remote, name as never, { ...args, nparams } as never, options);
}

async function countOf(
  session: Session,
  { name }: MethodPlan,
  args: Readonly<Record<string, unknown>>,
): Promise<number> {
  if (name === "domainGetSchedulerParameters" || name === "domainGetSchedulerParametersFlags") {
    return (await session.call.domainGetSchedulerType({ dom: args["dom"] as WireDomain })).nparams;
  }
  // How many each processor has, is asked of one.
  const asked = name === "domainGetCpuStats" ? { ...args, nparams: 0, ncpus: 1 } : { ...args, nparams: 0 };
  const { nparams } = (await session.wire.call(remote, name as never, asked as never)) as { readonly nparams: number };
  return nparams;
}

function resultOf(told: MethodPlan, { row, name }: MethodPlan, ret: unknown, wrap: Wrap): unknown {
  const values = ret as Readonly<Record<string, unknown>>;
  if (name === "domainGetCpuStats") return cpuStats(values as never);
  const { fields } = row.ret;
  const value = (field: string): unknown => {
    const given = fromWire(fields[field] as never, values[field], wrap);
    return isTruth(name, field) ? given !== 0 : given;
  };
  const [only, ...others] = told.told;
  if (only === undefined) return undefined;
  if (others.length === 0) return value(only);
  return Object.fromEntries(told.told.map((field) => [field, value(field)]));
}

/** An int of C's that says yes or no. */
function isTruth(row: string, field: string): boolean {
  return /Is[A-Z]|Has[A-Z]/.test(row) || field === "autostart" || field === "supported";
}

/** One processor's after the other's, `nparams` of each. */
function cpuStats({ params, nparams }: { readonly params: readonly TypedParam[]; readonly nparams: number }): unknown {
  const stats: unknown[] = [];
  for (let at = 0; nparams > 0 && at < params.length; at += nparams)
    stats.push(fromParams(params.slice(at, at + nparams)));
  return stats;
}

function streamResult({ row, told }: MethodPlan, opened: unknown, wrap: Wrap): unknown {
  const { ret, stream } = opened as { readonly ret: Readonly<Record<string, unknown>>; readonly stream: Stream };
  const direction = row.stream?.direction;
  const end =
    direction === "both" ? channelOf(stream) : direction === "upload" ? writableOf(stream) : readableOf(stream);
  if (told.length === 0) return end;
  const said = told.map((field) => [field, fromWire(row.ret.fields[field] as never, ret[field], wrap)]);
  return { ...(Object.fromEntries(said) as object), stream: end };
}
