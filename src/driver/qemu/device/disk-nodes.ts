import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { targetOf } from "../devices-of.ts";
import type { Run } from "../run.ts";
import { answerOf, type BlockAnswer } from "../statistics/block-counters.ts";

/** What QEMU says of a disk now. Rejects as `Run.execute`. */
export async function queryAnswer(run: Run, disk: Element, timeoutMs: number): Promise<BlockAnswer | undefined> {
  return answerOf((await run.execute("query-blockstats", {}, timeoutMs)) as readonly BlockAnswer[], disk);
}

/** The node that a disk's device reads and writes: it is another one after a job. Rejects with VirError when it has none. */
export async function nodeNameOf(run: Run, disk: Element, timeoutMs: number): Promise<string> {
  const node = (await queryAnswer(run, disk, timeoutMs))?.["node-name"];
  if (node !== undefined) return node;
  const detail = `disk '${targetOf(disk)}' has no image in QEMU`;
  throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
}
