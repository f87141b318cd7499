import { remote, type Domain as WireDomain } from "../protocol/index.ts";
import type { CallOptions as WireOptions } from "../rpc/index.ts";
import { flagBits } from "./flags.ts";
import { type MethodPlan, planOf } from "./method-plan.ts";
import type { CallOptions } from "./method-types.ts";
import { fitting, misfit } from "./misfit.ts";
import type { RowName } from "./rows.ts";
import type { Session } from "./session.ts";
import { type Reading, toWire } from "./values.ts";

interface FlaggedOptions extends CallOptions {
  readonly flags?: number | string | readonly string[];
}

/** A call of a method, as its row has it. */
export interface MethodCall {
  readonly plan: MethodPlan;
  readonly args: Args;
  readonly options: CallOptions;
  /** What the caller hears of the reply. */
  readonly answer: Reading;
}
type Args = Readonly<Record<string, unknown>>;

const noOptions: FlaggedOptions = {};
const noValues: Args = {};

/** Sorts what a caller has given for a method of `self`. Throws TypeError for what cannot be meant, VirError for a wrong value. */
export function methodCall(
  name: RowName,
  self: object | undefined,
  given: readonly unknown[],
  timeoutMs: number | undefined,
): MethodCall {
  const plain = planOf(name);
  const said = (given[plain.given.length > 0 ? 1 : 0] ?? noOptions) as FlaggedOptions;
  const { flags } = said;
  const flagged = flags === undefined ? undefined : plain.flagged;
  const plan = flagged ?? plain;
  if (flags !== undefined && !plan.hasFlags) throw new TypeError(`${name} takes no flags`);
  const values = valuesOf(plain, given[0]);
  const { fields } = plan.row.args;
  const args: Record<string, unknown> = { ...plan.implied };
  if (self !== undefined) args[plan.self] = selfOf(plan, self);
  for (const field of plan.given) args[field] = wireValue(plan, field, values[field]);
  if (plan.hasFlags) {
    const bits = (flags === undefined ? 0 : flagBits(plan.name, flags)) | plan.meant;
    args["flags"] = toWire(fields["flags"] as never, bits >>> 0);
  }
  const answer = flagged === undefined ? plain.answer : plain.flaggedAnswer;
  return { plan, args, options: optionsOf(said, timeoutMs), answer };
}

/** Throws VirError for a number that is no whole one. */
function wireValue({ name, row }: MethodPlan, field: string, value: unknown): unknown {
  try {
    return toWire(row.args.fields[field] as never, value);
  } catch (error) {
    throw error instanceof RangeError || error instanceof SyntaxError ? misfit(name, field, error) : error;
  }
}

function optionsOf(said: FlaggedOptions, timeoutMs: number | undefined): CallOptions {
  if (said === noOptions && timeoutMs === undefined) return noOptions;
  const { flags: _, ...own } = said;
  return own.timeoutMs === undefined && timeoutMs !== undefined ? { ...own, timeoutMs } : own;
}

/** A device of the host is known by its name alone. */
function selfOf(plan: MethodPlan, self: object): unknown {
  return plan.self === "name" ? (self as { readonly name: string }).name : self;
}

/** The arguments by name: given as an object where there are several. */
function valuesOf({ given, name }: MethodPlan, value: unknown): Args {
  const [first] = given;
  if (first === undefined) return noValues;
  if (given.length === 1) return { [first]: value };
  if (typeof value !== "object" || value === null) throw new TypeError(`${name} takes an object: ${given.join(", ")}`);
  const unknown = Object.keys(value).find((field) => !given.includes(field));
  if (unknown !== undefined)
    throw new TypeError(`${name} has no argument "${unknown}"; there are: ${given.join(", ")}`);
  return value as Args;
}

/** Makes the call; resolves with its reply. Rejects as the call does, and with VirError for what does not fit its field. */
export function send(session: Session, { plan, args, options }: MethodCall): Promise<unknown> {
  const call = () => session.extensions.run(options, (wire) => callRow(session, plan, args, wire));
  return fitting(plan.name, plan.row.args.fields, args, call);
}

function callRow(session: Session, plan: MethodPlan, args: Args, options: WireOptions): Promise<unknown> {
  const { wire } = session;
  const { name, row } = plan;
  if (row.stream !== undefined) return wire.openStream(remote, name as never, args as never, options);
  if (row.fds === "reply") return wire.callForFds(remote, name as never, args as never, options);
  if (plan.asksCount) return callForAll(session, plan, args, options);
  return wire.call(remote, name as never, args as never, options);
}

/** How many there are is asked first: some drivers take no other number. */
async function callForAll(session: Session, plan: MethodPlan, args: Args, options: WireOptions): Promise<unknown> {
  const nparams = await countOf(session, plan, args, options);
  if (nparams === 0) return { params: [], nparams };
  return session.wire.call(remote, plan.name as never, { ...args, nparams } as never, options);
}

async function countOf(
  session: Session,
  { name }: MethodPlan,
  args: Args,
  { signal, timeoutMs }: WireOptions,
): Promise<number> {
  const limits = { ...(signal !== undefined && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) };
  if (name === "domainGetSchedulerParameters" || name === "domainGetSchedulerParametersFlags") {
    return (await session.call.domainGetSchedulerType({ dom: args["dom"] as WireDomain }, limits)).nparams;
  }
  // How many each processor has, is asked of one.
  const asked = name === "domainGetCpuStats" ? { ...args, nparams: 0, ncpus: 1 } : { ...args, nparams: 0 };
  const counted = await session.wire.call(remote, name as never, asked as never, limits);
  return (counted as { readonly nparams: number }).nparams;
}
