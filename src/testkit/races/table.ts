import { type Cell, protocols } from "./lab.ts";
import { type Race, raceId, races } from "./races.ts";

/** The lab's result for a terminal: a row for each protocol, a column for each race, then what failed and how to see it. */
export function labTable(cells: readonly Cell[]): string {
  const find = (protocol: string, race: Race): Cell | undefined =>
    cells.find((cell) => cell.protocol.name === protocol && cell.race === race);
  const present = races.filter((race) => cells.some((cell) => cell.race === race));
  const header = ["protocol", ...present.map((race) => `race ${raceId(race)}`)];
  const rows = protocols
    .filter(({ name }) => cells.some(({ protocol }) => protocol.name === name))
    .map(({ name }) => [name, ...present.map((race) => verdict(find(name, race)))]);
  const lines = [...align([header, ...rows])];
  lines.push("", ...present.map((race) => `race ${raceId(race)}: ${race.name}`));
  lines.push("", "Behind a verdict: steps of the shortest failing schedule found / schedules explored.");
  lines.push("holds: within the bound on preemptions no schedule fails; holds*: the bound on executions came first.");
  return `${lines.join("\n")}\n`;
}

function verdict(cell: Cell | undefined): string {
  if (cell === undefined) return "-";
  const unfinished = cell.exhausted ? "" : "*";
  return `${cell.verdict}${unfinished} ${cell.failing?.steps ?? "-"}/${cell.executions}`;
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, column) => text.padEnd((widths[column] ?? 0) + 2))
      .join("")
      .trimEnd(),
  );
}
