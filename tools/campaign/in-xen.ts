import { type LabOptions, type LabResult, runInXen, whyNoLab } from "../../lab/xen/lab.ts";

/**
 * Runs a command in a lab, showing what it says, and has `judge` find what is wrong with what it has left, in words; so is
 * whatever has crashed. The lab's folder is left when something is. False: that, or there is no lab.
 */
export async function judgeInXen(
  command: string,
  options: LabOptions,
  judge: (result: LabResult) => readonly string[],
): Promise<boolean> {
  const reason = whyNoLab();
  if (reason !== undefined) {
    console.error(`skipped: ${reason}`);
    return false;
  }
  const result = await runInXen(command, {
    onOutput: (stream, text) => process[stream].write(text),
    ...options,
  });
  const problems = [...judge(result)];
  if (result.cores.length > 0) problems.push(`crashed: ${result.cores.join(", ")}`);
  for (const problem of problems) console.error(`problem: ${problem}`);
  if (problems.length === 0) result.remove();
  else console.error(`left in ${result.directory}`);
  return problems.length === 0;
}
