import { type Cell, protocols } from "./lab.ts";
import { races } from "./races.ts";

/** The lab's result for a terminal: a row for each protocol, a column for each race, then what failed and how to see it. */
export function labTable(cells: readonly Cell[]): string {
  const find = (protocol: string, race: number): Cell | undefined =>
    cells.find((cell) => cell.protocol.name === protocol && cell.race.number === race);
  const present = races.filter(({ number }) => cells.some(({ race }) => race.number === number));
  const header = ["protocol", ...present.map(({ number }) => `race ${number}`)];
  const rows = protocols
    .filter(({ name }) => cells.some(({ protocol }) => protocol.name === name))
    .map(({ name }) => [name, ...present.map(({ number }) => verdict(find(name, number)))]);
  const lines = [...align([header, ...rows])];
  lines.push("", ...present.map(({ number, name }) => `race ${number}: ${name}`));
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
