import { type Connection, type OpenOptions, open, VirError } from "../../open/index.ts";
import { UsageError } from "../usage-error.ts";
import { type Around, around, Interrupted, type Output } from "./around.ts";
import { jsonText } from "./json.ts";
import { nearest } from "./nearest.ts";
import { readArgs } from "./read-args.ts";
import { fieldsText, tableText } from "./table.ts";
import { type Facts, type Given, type Listing, NoResult, PlainFailure, type Verb } from "./verb.ts";
import { allVerbs, findVerb } from "./verb-groups.ts";

/** Runs a verb of virsh's, as virsh does: 0, or 1 with what is wrong on standard error. Throws UsageError for another. */
export async function runVerb(
  name: string,
  args: readonly string[],
  options: OpenOptions = {},
  output?: Output,
): Promise<number> {
  const verb = await verbOf(name);
  const given = readArgs(name, verb, args);
  return answer(verb, given, around(output), () =>
    open(given.text("connect"), { ...options, readOnly: given.has("readonly") }),
  );
}

/** The same on a connection that stays. */
export async function runVerbOn(
  connection: Connection,
  name: string,
  args: readonly string[],
  output?: Output,
): Promise<number> {
  const verb = await verbOf(name);
  const given = readArgs(name, verb, args);
  return answer(verb, given, around(output), () => Promise.resolve(kept(connection)));
}

/** Throws UsageError, which names the nearest of verbs and of `others`. */
export async function verbOf(name: string, others: readonly string[] = []): Promise<Verb> {
  const verb = await findVerb(name);
  if (verb !== undefined) return verb;
  const near = nearest(name, [...Object.keys(await allVerbs()), ...others]);
  throw new UsageError(`unknown command: '${name}'${near === undefined ? "" : `; did you mean '${near}'?`}`);
}

type Held = Connection | Kept;
/** Whose connection is closed by somebody else. */
interface Kept extends AsyncDisposable {
  readonly kept: Connection;
}

function kept(connection: Connection): Kept {
  return { kept: connection, [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function answer(verb: Verb, given: Given, where: Around, reach: () => Promise<Held>): Promise<number> {
  const reached = await connected(where, reach);
  if (reached === undefined) return 1;
  try {
    await using held = reached;
    const connection = "kept" in held ? held.kept : held;
    const result =
      "show" in verb ? await verb.show(connection, given, where) : await verb.run(connection, given, where);
    where.out(`${shown(result, given)}${given.has("json") ? "" : "\n"}`);
    return 0;
  } catch (error) {
    if (error instanceof NoResult) {
      where.out(`${error.message}\n`);
      return 1;
    }
    const isTold = error instanceof VirError || error instanceof PlainFailure || error instanceof Interrupted;
    if (!isTold) throw error;
    const first = error instanceof PlainFailure ? undefined : verb.failure?.(given);
    if (first !== undefined) where.error(`error: ${first}\n`);
    where.error(`error: ${error.message}\n`);
    where.out("\n");
    return 1;
  }
}

/** Undefined when there is no hypervisor to be reached, which is said. */
async function connected(where: Around, reach: () => Promise<Held>): Promise<Held | undefined> {
  try {
    return await reach();
  } catch (error) {
    if (!(error instanceof VirError)) throw error;
    where.error(`error: failed to connect to the hypervisor\nerror: ${error.message}\n`);
    where.out("\n");
    return undefined;
  }
}

function shown(result: string | Listing | Facts, given: Given): string {
  if (typeof result === "string") return result;
  if (given.has("json")) return jsonText("columns" in result ? result.objects : result.object);
  if ("text" in result) return result.text;
  return "columns" in result ? tableText(result) : fieldsText(result.fields, result.width);
}
