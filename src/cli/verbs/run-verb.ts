import { type Connection, type OpenOptions, open, VirError } from "../../open/index.ts";
import { UsageError } from "../usage-error.ts";
import { type Around, around, Interrupted, type Output } from "./around.ts";
import { jsonText } from "./json.ts";
import { nearest } from "./nearest.ts";
import { isNews } from "./news.ts";
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
  if (asksForHelp(args)) return tellHow(name, around(output));
  const given = readArgs(name, verb, args);
  return answer(name, verb, given, around(output), () =>
    open(given.text("connect"), { ...options, ...openOptionsOf(given) }),
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
  if (asksForHelp(args)) return tellHow(name, around(output));
  const given = readArgs(name, verb, args);
  return answer(name, verb, given, around(output), () => Promise.resolve(kept(connection)));
}

/** How a hypervisor is spoken with, of the options before a command. */
export function openOptionsOf(given: Given): OpenOptions {
  const [seconds, count = 5] = [given.number("keepalive-interval") ?? 5, given.number("keepalive-count")];
  const keepalive = seconds === 0 ? ("off" as const) : { intervalMs: seconds * 1000, count };
  return { readOnly: given.has("readonly"), keepalive };
}

/** --help stands behind any verb, as in virsh; behind -- it is no option. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes("--help");
}

async function tellHow(name: string, where: Around): Promise<number> {
  const { verbText } = await import("./help.ts");
  where.out(`${await verbText(name)}\n`);
  return 0;
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

async function answer(
  name: string,
  verb: Verb,
  given: Given,
  where: Around,
  reach: () => Promise<Held>,
): Promise<number> {
  const end = endOf(given);
  const reached = await connected(where, reach);
  if (reached === undefined) {
    where.out(end());
    return 1;
  }
  try {
    await using held = reached;
    const connection = "kept" in held ? held.kept : held;
    const result =
      "show" in verb ? await verb.show(connection, given, where) : await verb.run(connection, given, where);
    const isSaid = !(given.has("quiet") && isNews(name, given));
    where.out(`${isSaid ? shown(result, given) : ""}${given.has("json") ? "" : end()}`);
    return 0;
  } catch (error) {
    if (error instanceof NoResult) {
      where.out(`${error.message}${end()}`);
      return 1;
    }
    const isTold = error instanceof VirError || error instanceof PlainFailure || error instanceof Interrupted;
    if (!isTold) throw error;
    const first = error instanceof PlainFailure ? undefined : verb.failure?.(given);
    if (first !== undefined) where.error(`error: ${first}\n`);
    where.error(`error: ${error.message}\n`);
    where.out(end());
    return 1;
  }
}

/** What stands behind all that a verb says: an empty line, how long it has taken, or nothing. */
function endOf(given: Given): () => string {
  const since = performance.now();
  if (given.has("timing")) return () => `\n(Time: ${(performance.now() - since).toFixed(3)} ms)\n\n`;
  return () => (given.has("quiet") ? "" : "\n");
}

/** Undefined when there is no hypervisor to be reached, which is said. */
async function connected(where: Around, reach: () => Promise<Held>): Promise<Held | undefined> {
  try {
    return await reach();
  } catch (error) {
    if (!(error instanceof VirError || error instanceof PlainFailure)) throw error;
    where.error(`error: failed to connect to the hypervisor\nerror: ${error.message}\n`);
    return undefined;
  }
}

function shown(result: string | Listing | Facts, given: Given): string {
  if (typeof result === "string") return result;
  if (given.has("json")) return jsonText("columns" in result ? result.objects : result.object);
  if ("text" in result) return result.text;
  return "columns" in result ? tableText(result, !given.has("quiet")) : fieldsText(result.fields, result.width);
}
