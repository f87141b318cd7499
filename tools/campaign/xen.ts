import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** libxl in real Xen: a guest's life, the processes, and the bug of December 2012 with thirty lives. */
export async function xen(): Promise<boolean> {
  const tests = ["libxl", "december"].map((name) =>
    fileURLToPath(new URL(`../../test/integration/${name}.lab.ts`, import.meta.url)),
  );
  // One lab after the other: each takes a processor of its own.
  const args = ["--test", "--test-concurrency=1", "--test-timeout=600000", ...tests];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", timeout: 1_500_000 });
  return status === 0;
}
