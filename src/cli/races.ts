import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Cell } from "../testkit/index.ts";
import { UsageError } from "./usage-error.ts";

export const racesUsage = `virtwright races: runs every protocol of the race lab against every race it concerns

  --json             one JSON object instead of the table
  --svg DIR          writes a sequence diagram for each failing schedule into DIR
  --replay SCHEDULE  runs one schedule again, with --protocol NAME and --race NUMBER, and draws it
  --protocol NAME    only this protocol        --race NUMBER   only this race

VIRTWRIGHT_EXPLORE_PREEMPTIONS, _EXECUTIONS, _STRATEGY, _SEED and _MAX_STEPS set the bounds of the search.
Exit code 1 when one of ours fails, or an ablation does not.
`;

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
  const race = pick(lab.races, "race", ({ number }) => String(number), values.race);
  if (values.replay !== undefined) {
    if (protocol === undefined || race === undefined) throw new UsageError("--replay needs --protocol and --race");
    return print(lab.diagramText(lab.replayRace(protocol, race, values.replay)));
  }
  const bounds = lab.boundsFromEnvironment(process.env);
  const cells = [...lab.runLab(bounds, { protocol, race })];
  if (values.svg !== undefined) writeDiagrams(values.svg, cells, lab.diagramSvg);
  if (values.json) print(`${JSON.stringify(cells.map(toJson), undefined, 2)}\n`);
  else print(`${lab.labTable(cells)}${replayLines(cells)}`);
  const whole = protocol === undefined && race === undefined;
  const broken = lab.brokenPromises(cells).filter((text) => whole || !text.includes("shows nothing"));
  for (const text of broken) process.stderr.write(`error: ${text}\n`);
  return broken.length === 0 ? 0 : 1;
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

function replayLines(cells: readonly Cell[]): string {
  const lines = cells.map(({ protocol, race, failing }) =>
    failing === undefined
      ? []
      : [
          `${protocol.name} / race ${race.number}: ${failing.failure?.kind}: ${failing.failure?.message}`,
          `  virtwright races --protocol "${protocol.name}" --race ${race.number} --replay ${failing.text}`,
        ],
  );
  return `\n${lines.flat().join("\n")}\n`;
}

function toJson({ protocol, race, verdict, executions, exhausted, failing }: Cell): object {
  return {
    protocol: protocol.name,
    race: race.number,
    verdict,
    executions,
    exhausted,
    steps: failing?.steps ?? null,
    schedule: failing?.text ?? null,
    failure: failing?.failure === undefined ? null : `${failing.failure.kind}: ${failing.failure.message}`,
  };
}

function writeDiagrams(
  directory: string,
  cells: readonly Cell[],
  draw: (outcome: NonNullable<Cell["failing"]>, title: string) => string,
): void {
  mkdirSync(directory, { recursive: true });
  for (const { protocol, race, failing } of cells) {
    if (failing === undefined) continue;
    const file = `${protocol.name.replaceAll(/\W+/g, "-")}-${race.number}.svg`;
    writeFileSync(join(directory, file), draw(failing, `${protocol.name}: ${race.name}`));
  }
}
