import { setTimeout as pause } from "node:timers/promises";
import type { Connection } from "../../open/index.ts";
import { type Around, Interrupted } from "../verbs/around.ts";
import { cutToWidth } from "../verbs/display-width.ts";
import { localTime, tableText } from "../verbs/table.ts";
import type { Given, Listing } from "../verbs/verb.ts";
import { type Counters, takeSample, usageBetween } from "./usage-sample.ts";
import { sparkLength, usageTable } from "./usage-table.ts";

/** Goes to the screen's own upper left; clears what is left of a line, and of the screen. */
const [home, lineEnd, screenEnd] = ["\x1b[H", "\x1b[K", "\x1b[J"];
/** A screen of its own without a cursor, and back. */
const [enter, leave] = ["\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"];

/** What domains use: over and over on a terminal, else once. */
export async function top(connection: Connection, given: Given, where: Around): Promise<Listing | string> {
  const intervalMs = given.milliseconds("interval") ?? 1_000;
  using interruption = where.interruption();
  const next = async (): Promise<readonly Counters[]> => {
    await pause(intervalMs, undefined, { signal: interruption.signal });
    return takeSample(connection, () => performance.now());
  };
  let before = await takeSample(connection, () => performance.now());
  let isEntered = false;
  try {
    if (!where.isWatched || given.has("once") || given.has("json"))
      return usageTable(usageBetween(before, await next()));
    where.out(enter);
    isEntered = true;
    const history = new Map<string, number[]>();
    for (;;) {
      const after = await next();
      const usages = usageBetween(before, after);
      before = after;
      for (const { uuid, cpuPercent } of usages)
        history.set(uuid, [...(history.get(uuid) ?? []), cpuPercent].slice(-sparkLength));
      draw(where, usageTable(usages, history));
    }
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    if (!where.isWatched) throw new Interrupted(undefined, { cause: error });
    return "";
  } finally {
    if (isEntered) where.out(leave);
  }
}

function draw(where: Around, table: Listing): void {
  // A terminal may not know its size.
  const [rows, columns] = [where.output.rows || 24, where.output.columns || 80];
  const title = `${localTime(Date.now())}, ${table.rows.length} running; Ctrl-C ends`;
  const lines = [title, "", ...tableText(table).trimEnd().split("\n")].slice(0, rows - 1);
  where.out(`${home}${lines.map((line) => `${cutToWidth(line, columns)}${lineEnd}\n`).join("")}${screenEnd}`);
}
