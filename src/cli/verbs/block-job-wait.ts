import { setTimeout } from "node:timers/promises";
import type { Domain } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { BlockJobNews } from "./block-job-news.ts";
import { explained } from "./lookup.ts";
import { Progress } from "./progress.ts";
import { type Given, NoResult } from "./verb.ts";

/** A job that is waited for, and how it ends. */
export interface AwaitedBlockJob {
  /** "Pull", "Copy", "Commit": what "aborted", "failed" and "complete" stand behind. */
  readonly short: string;
  /** What stands before the percentage. */
  readonly label: string;
  /** By itself; by being left in step; by being told to end there: on the copy, or on the disk it was. */
  readonly end: "itself" | "step" | "pivot" | "finish";
}

/** How often is asked how far it is, in ms. */
const askingMs = 500;
/** Rounds that a job which is gone still has to tell of its end. */
const patience = 10;

/**
 * Begins a job on a disk and waits for it as --wait, --timeout and --verbose say; gives what virsh says. Throws
 * PlainFailure, and NoResult when it was aborted or has failed.
 */
export async function waitForBlockJob(
  domain: Domain,
  path: string,
  given: Given,
  where: Around,
  { short, label, end }: AwaitedBlockJob,
  begin: () => Promise<unknown>,
): Promise<string> {
  // Before it begins: a short one has ended before anybody could ask.
  await using news = await BlockJobNews.of(domain, path);
  await begin();
  using progress = new Progress(where, label, given.has("verbose"));
  using interruption = where.interruption();
  const outcome = await outcomeOf(domain, path, given, news, progress, interruption.signal);
  if (outcome === "cancelled") throw new NoResult(`\n${short} aborted`);
  if (outcome === "failed") throw new NoResult(`\n${short} failed`);
  progress.show(1n, 1n);
  return await ended(domain, path, given, short, outcome === "complete" && end === "step" ? "itself" : end);
}

type Outcome = "complete" | "failed" | "cancelled" | "ready";

async function outcomeOf(
  domain: Domain,
  path: string,
  given: Given,
  news: BlockJobNews,
  progress: Progress,
  interrupted: AbortSignal,
): Promise<Outcome> {
  const timeoutMs = given.milliseconds("timeout");
  const late = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
  const ending = AbortSignal.any([interrupted, ...late]);
  const waking = AbortSignal.any([ending, news.signal]);
  for (let missed = 0; ; ) {
    const job = await explained(domain.getBlockJobInfo(path), `failed to query job for disk ${path}`);
    if (news.outcome !== undefined) return news.outcome;
    if (job.found === 0 && (!news.isHeard || ++missed > patience)) return "complete";
    if (!news.isHeard && job.cur === job.end && (await isInStep(domain, path))) return "ready";
    if (job.cur > 0n || job.end > 0n) progress.show(job.cur, job.end);
    if (ending.aborted) return abort(domain, path, given);
    await setTimeout(askingMs, undefined, { signal: waking }).catch(() => undefined);
  }
}

/** A copy that has once been in step stays so; the definition says when it is. */
async function isInStep(domain: Domain, path: string): Promise<boolean> {
  const { DomainDefinition } = await import("../../open/index.ts");
  const { root } = DomainDefinition.parse(await domain.getXmlDesc());
  const disk = root
    .first("devices")
    ?.all("disk")
    .find((each) => each.find("target")?.attribute("dev") === path || each.find("source")?.attribute("file") === path);
  const ready = disk?.first("mirror")?.attribute("ready");
  return ready === "yes";
}

async function abort(domain: Domain, path: string, given: Given): Promise<"cancelled"> {
  const flags = given.has("async") ? (["async"] as const) : [];
  await explained(domain.blockJobAbort(path, { flags }), `failed to abort job for disk '${path}'`);
  return "cancelled";
}

/** "Copy" or "Commit": a commit that ends on the disk it was keeps the overlay. */
function saying(short: string, end: AwaitedBlockJob["end"]): string {
  if (end === "itself") return `${short} complete`;
  if (end === "step") return short === "Commit" ? "Now in synchronized phase" : "Now in mirroring phase";
  if (end === "pivot") return "Successfully pivoted";
  return short === "Commit" ? "Commit complete, overlay image kept" : "Successfully copied";
}

async function ended(
  domain: Domain,
  path: string,
  given: Given,
  short: string,
  end: AwaitedBlockJob["end"],
): Promise<string> {
  if (end === "pivot" || end === "finish") {
    const isAsync = given.has("async") ? (["async"] as const) : [];
    const flags = [...isAsync, ...(end === "pivot" ? (["pivot"] as const) : [])];
    await explained(domain.blockJobAbort(path, { flags }), `failed to ${end} job for disk ${path}`);
  }
  return `\n${saying(short, end)}`;
}
