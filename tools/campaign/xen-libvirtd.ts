import type { LabOptions } from "../../lab/xen/lab.ts";
import { libvirtdsCpu } from "../../lab/xen/machine.ts";
import { Comparison } from "../../test/conformance/virsh/comparison.ts";
import { readScripts } from "../../test/conformance/virsh/script-file.ts";
import type { Outcome } from "../../test/conformance/virsh/side.ts";
import { judgeInXen } from "./in-xen.ts";

const place = new URL("../../test/conformance/xen/", import.meta.url);

/** What virsh is told by libvirtd's own Xen driver and by ours, on real Xen: what ends differently has to be known. */
export function xenLibvirtd(): Promise<boolean> {
  const options: LabOptions = {
    timeoutMs: 3_600_000,
    dom0MemoryMib: 640,
    cpu: libvirtdsCpu,
    clock: "instructions",
    onOutput: (stream, text) => stream === "stderr" && process.stderr.write(text),
  };
  return judgeInXen("node test/conformance/xen/main.ts", options, ({ stdout }) => {
    const comparison = new Comparison(new URL("differences.json", place));
    const problems: string[] = [];
    try {
      const { theirs, ours } = JSON.parse(stdout) as Record<"theirs" | "ours", readonly (readonly Outcome[])[]>;
      for (const [at, script] of readScripts(new URL("scripts.txt", place)).entries()) {
        try {
          comparison.judge(script, theirs[at] ?? [], ours[at] ?? []);
        } catch (error) {
          problems.push(`${script.name}: ${(error as Error).message}`);
        }
      }
      console.log(`${comparison.identical} of ${comparison.lines} command lines are identical (${comparison.share})`);
    } catch (error) {
      problems.push(`no outcome: ${String(error)}`);
    }
    return problems;
  });
}
