import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { reconnecting } from "../../test/integration/reconnecting.ts";

/** True when no event was lost or came twice, every call settled, and the memory has not grown. */
export async function reconnect(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: { cuts: { type: "string", default: "900" }, kills: { type: "string", default: "100" } },
  });
  const disturbances = { cuts: Number(values.cuts), kills: Number(values.kills) };
  const directory = mkdtempSync(join(tmpdir(), "vw-reconnect-"));
  try {
    const { heard, gaps, pending, made, failed, heap } = await reconnecting(disturbances, directory);
    const wrong = heard.filter((each, index) => each !== (index % 2 === 0 ? "suspended" : "resumed")).length;
    const [early, late] = heap.map((bytes) => Math.round(bytes / 1_024)) as [number, number];
    console.log(
      `${values.cuts} cuts, ${values.kills} kills, ${made} calls, ${failed} of them hit, ${pending} not settled`,
    );
    console.log(`${heard.length} events, ${wrong} out of turn, ${gaps.length} gaps`);
    console.log(`${early} KiB live after a tenth, ${late} KiB at the end`);
    return wrong === 0 && gaps.length === 0 && pending === 0 && late < early * 1.2 + 2_048;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
