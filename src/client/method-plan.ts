import type { Call } from "../protocol/index.ts";
import type { Codec } from "../xdr/index.ts";
import { answerOf } from "./answer.ts";
import type { Implied } from "./method-types.ts";
import { flaggedRow, ownerOf, type RowName, rowOf } from "./rows.ts";
import type { Reading } from "./values.ts";

/** How the arguments of a method become those of its row: what `method-types.ts` says of types, for values. */
export interface MethodPlan {
  readonly name: RowName;
  readonly row: Call;
  /** The field in which the object itself goes; "" for the connection's. */
  readonly self: string;
  /** The fields that the caller gives, in the order of the row. */
  readonly given: readonly string[];
  /** Those that are filled in. */
  readonly implied: Readonly<Record<string, number>>;
  /** The row asks first how many parameters there are. */
  readonly asksCount: boolean;
  readonly hasFlags: boolean;
  /** Bits of `flags` that every caller means. */
  readonly meant: number;
  /** What does the same with flags. */
  readonly flagged: MethodPlan | undefined;
  /** What the caller hears of the reply. */
  readonly answer: Reading;
  /** The same of the reply of `flagged`: its flags change nothing about what is told. */
  readonly flaggedAnswer: Reading;
}

/** Room for as many as there can be. */
const room: Readonly<Record<Implied, number>> = {
  needResults: 1,
  maxnames: 16_384,
  maxids: 16_384,
  maxStats: 1_024,
  maxerrors: 256,
  needMap: 1,
  needOnline: 1,
  nparams: 0,
};
/** Devices of the host are more. */
const deviceRoom = 65_536;

/** Rows that leave out parameters that are texts unless they are told that the caller knows such. */
const takesTexts =
  /^(domainGet(SchedulerParametersFlags|MemoryParameters|BlkioParameters|NumaParameters|InterfaceParameters|BlockIoTune|CpuStats|PerfEvents|LaunchSecurityInfo)|domainBlockStatsFlags|nodeGet(MemoryParameters|SevInfo))$/;
/** VIR_TYPED_PARAM_STRING_OKAY. */
const textsOkay = 4;

const plans = new Map<RowName, MethodPlan>();

export function planOf(name: RowName): MethodPlan {
  const known = plans.get(name);
  if (known !== undefined) return known;
  const plan = makePlan(name);
  plans.set(name, plan);
  return plan;
}

function makePlan(name: RowName): MethodPlan {
  const row = rowOf(name);
  const { self } = ownerOf(name);
  const fields = Object.keys(row.args.fields);
  const hasFlags = fields.includes("flags");
  const flaggedName = hasFlags ? undefined : flaggedRow(name);
  const flagged = flaggedName === undefined ? undefined : planOf(flaggedName);
  const told = toldOf(row);
  const answer = answerOf(name, row, told);
  const implied = Object.fromEntries(
    fields.flatMap((field) => (Object.hasOwn(room, field) ? [[field, roomOf(name, field as Implied)]] : [])),
  );
  return {
    name,
    row,
    self,
    given: fields.filter((field) => field !== self && field !== "flags" && !Object.hasOwn(implied, field)),
    implied,
    asksCount: Object.hasOwn(implied, "nparams"),
    hasFlags,
    meant: takesTexts.test(name) ? textsOkay : 0,
    flagged,
    answer,
    flaggedAnswer: flagged === undefined ? answer : answerOf(flagged.name, flagged.row, told),
  };
}

function roomOf(name: RowName, field: Implied): number {
  return name.startsWith("node") && field === "maxnames" ? deviceRoom : room[field];
}

function toldOf({ ret }: Call): string[] {
  const fields = Object.entries<Codec>(ret.fields);
  const hasList = fields.some(([, { shape }]) => shape.kind === "array");
  const counts = ["ret", "nparams", "nerrors"];
  return fields.flatMap(([field]) => (hasList && counts.includes(field) ? [] : [field]));
}
