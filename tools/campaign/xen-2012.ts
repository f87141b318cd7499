import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { LabResult } from "../../lab/xen/lab.ts";
import { problemsOf, type Report } from "../../test/integration/december/report.ts";
import { judgeInXen } from "./in-xen.ts";

/** Each with how it may end: with an error of libxl's or ours, and the first also by a crash. */
const naive = {
  "cell-for-cookie": /exit code 1, .* over after \d+ lives$/m,
  "now-becomes-never": /exit code 1, .* over after \d+ lives$/m,
  "library-timeout-recurs": /exit code (1, .* over after \d+ lives|1\d\d, .*)$/m,
};
const wanted = { lives: 500, delayed: 10_000 };
/** Of each naive variant, which must not come that far. */
const naiveLives = 20;

/** The bug of December 2012 on real Xen, at scale, and the same with each of its naive forms put back. */
export async function xen2012(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: { lives: { type: "string", default: String(wanted.lives) }, seed: { type: "string", default: "1" } },
  });
  const lives = Number(values.lives);
  const program = `node test/integration/december/lives.ts --load --turns 16 --seed ${Number(values.seed)}`;
  const command = `
${program} --lives ${lives} > "$XEN_LAB/ours" || exit
for variant in ${Object.keys(naive).join(" ")}; do
  [ $variant = library-timeout-recurs ] && ulimit -c 0
  timeout -s KILL 1200 ${program} --lives ${naiveLives} --patience 60000 --variant $variant > /dev/null 2> "$XEN_LAB/$variant"
  echo "$variant: exit code $?, $(grep -a "over after" "$XEN_LAB/$variant" || echo "ended by force")"
done`;
  return judgeInXen(command, { timeoutMs: (lives * 15 + 4_000) * 1_000 }, (result) => problemsIn(result, lives));
}

function problemsIn({ exitCode, stdout, directory }: LabResult, lives: number): string[] {
  const problems = exitCode === 0 ? [] : [`exit code ${exitCode}`];
  try {
    const report = JSON.parse(readFileSync(join(directory, "ours"), "utf8")) as Report;
    console.log(JSON.stringify(report, undefined, 2));
    problems.push(...problemsOf(report, { lives, delayed: (wanted.delayed * lives) / wanted.lives }));
  } catch (error) {
    problems.push(`no report: ${String(error)}`);
  }
  for (const [variant, ending] of Object.entries(naive)) {
    const line = stdout.split("\n").find((each) => each.startsWith(`${variant}: exit code`)) ?? "";
    if (!ending.test(line)) problems.push(`${variant} has not failed as it should: ${line}`);
  }
  return problems;
}
