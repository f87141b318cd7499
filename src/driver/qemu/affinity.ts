import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";

/** Sets on which of the host's CPUs ("0-2,5") a thread runs. Rejects with VirError. */
export async function setAffinity(thread: number, cpus: string): Promise<void> {
  try {
    await promisify(execFile)("taskset", ["--cpu-list", "--pid", cpus, String(thread)], { timeout: 5000 });
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = isMissing
      ? "taskset is missing; install it with: sudo apt-get install util-linux"
      : "refused by the host";
    const detail = `cannot set CPU affinity on process ${thread}: ${reason}`;
    throw VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail, error);
  }
}
