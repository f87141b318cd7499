import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runInXen, whyNoLab } from "../../lab/xen/lab.ts";
import { problemsOf, type Report } from "../../test/integration/december/report.ts";

const naive = ["library-timeout-recurs", "cell-for-cookie", "now-becomes-never"];
const wanted = { lives: 500, delayed: 10_000 };
/** Of each naive variant, which must not come that far. */
const naiveLives = 20;

/** The bug of December 2012 on real Xen, at scale, and the same with each of its naive forms put back. */
export async function xen2012(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: { lives: { type: "string", default: String(wanted.lives) }, seed: { type: "string", default: "1" } },
  });
  const reason = whyNoLab();
  if (reason !== undefined) {
    console.error(`skipped: ${reason}`);
    return false;
  }
  const lives = Number(values.lives);
  const program = `node test/integration/december/lives.ts --load --turns 16 --seed ${Number(values.seed)}`;
  const command = `
ulimit -c 0
${program} --lives ${lives} > "$XEN_LAB/ours" || exit
for variant in ${naive.join(" ")}; do
  timeout -s KILL 400 ${program} --lives ${naiveLives} --patience 60000 --variant $variant > /dev/null 2> "$XEN_LAB/$variant"
  echo "$variant: exit code $?, $(grep -a "over after" "$XEN_LAB/$variant" || echo "ended by force")"
done`;
  const result = await runInXen(command, {
    timeoutMs: (lives * 15 + 1_500) * 1_000,
    onOutput: (stream, text) => process[stream].write(text),
  });
  const problems = result.exitCode === 0 ? [] : [`exit code ${result.exitCode}`];
  if (result.cores.length > 0) problems.push(`crashed: ${result.cores.join(", ")}`);
  try {
    const report = JSON.parse(readFileSync(join(result.directory, "ours"), "utf8")) as Report;
    console.log(JSON.stringify(report, undefined, 2));
    problems.push(...problemsOf(report, { lives, delayed: (wanted.delayed * lives) / wanted.lives }));
  } catch (error) {
    problems.push(`no report: ${String(error)}`);
  }
  for (const variant of naive) {
    if (!new RegExp(`^${variant}: exit code [1-9]`, "m").test(result.stdout)) problems.push(`${variant} was not found`);
  }
  for (const problem of problems) console.error(`problem: ${problem}`);
  if (problems.length === 0) result.remove();
  else console.error(`left in ${result.directory}`);
  return problems.length === 0;
}
