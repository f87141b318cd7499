import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type * as Testkit from "../testkit/index.ts";
import type { Cell } from "../testkit/index.ts";
import { UsageError } from "./usage-error.ts";

export const racesUsage = `virtwright races: runs every protocol of the race lab against every race it concerns

  --json             a JSON array with an object for each verdict, instead of the table
  --svg DIR          writes a sequence diagram for each failing schedule into DIR
  --replay SCHEDULE  runs one schedule again, with --protocol NAME and --race NUMBER, and draws it
  --protocol NAME    only this protocol        --race NUMBER   only this race

VIRTWRIGHT_EXPLORE_PREEMPTIONS, _EXECUTIONS, _STRATEGY, _SEED, _DEPTH and _MAX_STEPS set the bounds of the search.
Exit code 1 when one of ours fails, or an ablation does not.
`;

/** Loaded when the command runs. */
type Lab = typeof Testkit;

/** Returns the exit code. Throws UsageError for what it does not understand. */
export async function races(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean", default: false },
      svg: { type: "string" },
      replay: { type: "string" },
      protocol: { type: "string" },
      race: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return print(racesUsage);
  const lab = await import("../testkit/index.ts");
  const protocol = pick(lab.protocols, "protocol", ({ name }) => name, values.protocol);
  const race = pick(lab.races, "race", lab.raceId, values.race);
  const bounds = understood(() => lab.boundsFromEnvironment(process.env));
  if (values.replay !== undefined) {
    if (protocol === undefined || race === undefined) throw new UsageError("--replay needs --protocol and --race");
    const { replay } = values;
    return print(lab.diagramText(understood(() => lab.replayRace(protocol, race, replay, bounds))));
  }
  const cells = [...lab.runLab(bounds, { protocol, race })];
  if (cells.length === 0) throw new UsageError(`race ${values.race} has nothing to do with "${values.protocol}"`);
  if (values.svg !== undefined) writeDiagrams(values.svg, cells, lab);
  if (values.json) print(`${JSON.stringify(cells.map(toJson), undefined, 2)}\n`);
  else print(`${lab.labTable(cells)}${replayLines(cells, lab.raceId)}`);
  const broken = lab.brokenPromises(cells);
  for (const text of broken) process.stderr.write(`error: ${text}\n`);
  return broken.length === 0 ? 0 : 1;
}

/** What the user wrote and cannot be meant: a schedule that is none or another race's, a bound that is no number. */
function understood<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function pick<T>(
  from: readonly T[],
  what: string,
  nameOf: (value: T) => string,
  name: string | undefined,
): T | undefined {
  if (name === undefined) return undefined;
  const found = from.find((value) => nameOf(value) === name);
  if (found === undefined) throw new UsageError(`no ${what} "${name}": there are ${from.map(nameOf).join("; ")}`);
  return found;
}

function replayLines(cells: readonly Cell[], idOf: Lab["raceId"]): string {
  const lines = cells.map(({ protocol, race, failing }) =>
    failing === undefined
      ? []
      : [
          `${protocol.name} / race ${idOf(race)}: ${failing.failure?.kind}: ${failing.failure?.message}`,
          `  virtwright races --protocol "${protocol.name}" --race ${idOf(race)} --replay ${failing.text}`,
        ],
  );
  return `\n${lines.flat().join("\n")}\n`;
}

function toJson({ protocol, race, verdict, executions, exhausted, failing }: Cell): object {
  return {
    protocol: protocol.name,
    race: race.number,
    name: race.name,
    verdict,
    executions,
    exhausted,
    steps: failing?.steps ?? null,
    schedule: failing?.text ?? null,
    failure: failing?.failure === undefined ? null : `${failing.failure.kind}: ${failing.failure.message}`,
  };
}

function writeDiagrams(directory: string, cells: readonly Cell[], { diagramSvg, raceId }: Lab): void {
  mkdirSync(directory, { recursive: true });
  for (const { protocol, race, failing } of cells) {
    if (failing === undefined) continue;
    const file = `${protocol.name.replaceAll(/\W+/g, "-")}-${raceId(race)}.svg`;
    writeFileSync(join(directory, file), diagramSvg(failing, `${protocol.name}: ${race.name}`));
  }
}
