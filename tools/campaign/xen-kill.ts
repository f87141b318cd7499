import { parseArgs } from "node:util";
import { judgeInXen } from "./in-xen.ts";

interface Found {
  readonly killed: number;
  readonly bystandersUntouched: number;
  readonly ends: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly left: readonly number[];
  readonly helpers: number;
  readonly inStore: readonly (readonly string[])[];
  readonly errors: readonly string[];
}

/** What a domain may be left as when the process that had it under an operation is killed: the table in docs/libxl.md. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  create: ["gone"],
  restore: ["gone"],
  save: ["running", "shut down: suspend"],
  destroy: ["running", "paused", "dying", "gone"],
};

/** A process with a context of libxl killed in the middle of operations. */
export async function xenKill(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: { kills: { type: "string", default: "20" }, seed: { type: "string", default: "1" } },
  });
  const kills = Number(values.kills);
  const command = `node test/integration/libxl-kills.ts ${kills} ${Number(values.seed)}`;
  return judgeInXen(command, { timeoutMs: (kills * 90 + 300) * 1_000 }, ({ exitCode, stdout }) =>
    exitCode === 0 ? problemsOf(JSON.parse(stdout) as Found, kills) : ["it did not end"],
  );
}

function problemsOf(
  { killed, bystandersUntouched, ends, left, helpers, inStore, errors }: Found,
  kills: number,
): string[] {
  const problems = [...errors];
  if (killed < kills) problems.push(`only ${killed} were killed in mid-operation`);
  if (bystandersUntouched < killed) problems.push(`others were touched ${killed - bystandersUntouched} times`);
  for (const [operation, states] of Object.entries(ends)) {
    for (const state of Object.keys(states)) {
      if (!allowed[operation]?.includes(state)) problems.push(`${operation} has left a domain ${state}`);
    }
  }
  if (left.join() !== "0" || helpers > 0) problems.push(`left: domains ${left.join()}, ${helpers} helpers`);
  if (inStore.flat().length > 0) problems.push(`left in xenstore: ${inStore.flat().join()}`);
  return problems;
}
