import { parseArgs } from "node:util";
import { type OpenOptions, open, VirError } from "../../open/index.ts";
import { UsageError } from "../usage-error.ts";
import { domainVerbs, startVerb } from "./domain-verbs.ts";
import { eventVerbs } from "./event-verbs.ts";
import { hostVerbs } from "./host-verbs.ts";
import { nearest } from "./nearest.ts";
import { networkVerbs } from "./network-verbs.ts";
import { poolVerbs } from "./pool-verbs.ts";
import { tableText } from "./table.ts";
import { Given, type Listing, PlainFailure, type Verb, type Verbs } from "./verb.ts";

export const verbs: Verbs = { ...domainVerbs, ...networkVerbs, ...poolVerbs, ...hostVerbs, ...eventVerbs };

/** Where a verb writes. */
export interface Output {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}

const terminal: Output = {
  out: (text) => void process.stdout.write(text),
  error: (text) => void process.stderr.write(text),
};

/** Runs a verb of virsh's, as virsh does: 0, or 1 with what is wrong on standard error. Throws UsageError for another. */
export async function runVerb(
  name: string,
  args: readonly string[],
  options: OpenOptions = {},
  output: Output = terminal,
): Promise<number> {
  const verb = name === "start" ? startVerb : Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) throw unknownVerb(name);
  const { given, connect } = readArgs(name, verb, args);
  try {
    await using connection = await open(connect, { ...options, readOnly: given.has("readonly") });
    output.out(`${shown(await verb.run(connection, given), given)}${given.has("json") ? "" : "\n"}`);
    return 0;
  } catch (error) {
    if (!(error instanceof VirError) && !(error instanceof PlainFailure)) throw error;
    const first = error instanceof PlainFailure ? undefined : verb.failure?.(given);
    if (first !== undefined) output.error(`error: ${first}\n`);
    output.error(`error: ${error.message}\n`);
    output.out("\n");
    return 1;
  }
}

function shown(result: string | Listing, given: Given): string {
  if (typeof result === "string") return result;
  if (!given.has("json")) return tableText(result);
  return `${JSON.stringify(result.objects, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value), 2)}\n`;
}

/** Throws UsageError in virsh's words. */
function readArgs(name: string, verb: Verb, args: readonly string[]): { given: Given; connect: string | undefined } {
  const parameters = (verb.parameters ?? []).map((each) => ({
    name: each.replace(/\?$/, ""),
    isOptional: each.endsWith("?"),
  }));
  const flags = [...(verb.flags ?? []), "json", "readonly"];
  const texts = [...(verb.texts ?? []), "connect", ...parameters.map((each) => each.name)];
  const known = Object.fromEntries([
    ...flags.map((flag) => [flag, { type: "boolean" }] as const),
    ...texts.map((text) => [text, { type: "string", ...(text === "connect" && { short: "c" }) }] as const),
  ]);
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options: known,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== "option" || Object.hasOwn(known, token.name)) continue;
    throw new UsageError(`command '${name}' doesn't support option ${token.rawName}`);
  }
  const given: Record<string, string | boolean | undefined> = {
    ...(values as Record<string, string | boolean | undefined>),
  };
  for (const parameter of parameters) given[parameter.name] ??= positionals.shift();
  const [extra] = positionals;
  if (extra !== undefined) throw new UsageError(`unexpected data '${extra}'`);
  const missing = parameters.find((each) => !each.isOptional && given[each.name] === undefined);
  if (missing !== undefined) throw new UsageError(`command '${name}' requires <${missing.name}> option`);
  return { given: new Given(given), connect: new Given(given).text("connect") };
}

function unknownVerb(name: string): UsageError {
  const near = nearest(name, Object.keys(verbs));
  return new UsageError(`unknown command: '${name}'${near === undefined ? "" : `; did you mean '${near}'?`}`);
}

/** A line for each verb. */
export function verbsText(): string {
  const width = Math.max(...Object.keys(verbs).map(({ length }) => length));
  return Object.entries(verbs)
    .map(([name, { help }]) => `  ${name.padEnd(width)}  ${help}\n`)
    .join("");
}
