import { setTimeout } from "node:timers/promises";
import { type Domain, VirError } from "../../open/index.ts";
import { type Around, Interrupted } from "./around.ts";
import { Progress } from "./progress.ts";
import { type Given, PlainFailure } from "./verb.ts";

/** How a job ends: by itself, by being left in step, or by being told to end there: on the copy, or on the disk it was. */
export type BlockJobEnd = "itself" | "step" | "pivot" | "finish";

/** How often is asked how far it is, in ms. */
const askingMs = 500;

/** Waits for a job on a disk as --wait, --timeout and --verbose say, and gives what virsh says. Throws PlainFailure. */
export async function waitForBlockJob(
  domain: Domain,
  path: string,
  given: Given,
  where: Around,
  short: string,
  end: BlockJobEnd,
): Promise<string> {
  using progress = new Progress(where, `Block ${short}`);
  using interruption = where.interruption();
  const seconds = given.number("timeout");
  const late = seconds === undefined ? undefined : AbortSignal.timeout(seconds * 1000);
  const signal = late === undefined ? interruption.signal : AbortSignal.any([late, interruption.signal]);
  for (;;) {
    const job = await domain.getBlockJobInfo(path);
    if (job.found === 0) return `\n${short} complete`;
    if (given.has("verbose")) progress.show(job.cur, job.end);
    if (end !== "itself" && job.cur === job.end && (await isInStep(domain, path))) break;
    if (signal.aborted) return await abort(domain, path, given, short);
    await setTimeout(askingMs, undefined, { signal }).catch(() => undefined);
  }
  return await ended(domain, path, given, short, end);
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

async function abort(domain: Domain, path: string, given: Given, short: string): Promise<string> {
  try {
    await domain.blockJobAbort(path, { flags: given.has("async") ? ["async"] : [] });
  } catch (error) {
    if (!(error instanceof VirError)) throw error;
    throw new PlainFailure(`failed to abort job for disk '${path}'\nerror: ${error.message}`, { cause: error });
  }
  throw new Interrupted(`${short} aborted`);
}

/** "Copy" or "Commit": a commit that ends on the disk it was keeps the overlay. */
function saying(short: string, end: "pivot" | "finish"): string {
  if (end === "pivot") return "Successfully pivoted";
  return short === "Commit" ? "Commit complete, overlay image kept" : "Successfully copied";
}

async function ended(domain: Domain, path: string, given: Given, short: string, end: BlockJobEnd): Promise<string> {
  if (end === "itself" || end === "step") return "\nNow in mirroring phase";
  const isAsync = given.has("async") ? (["async"] as const) : [];
  try {
    await domain.blockJobAbort(path, { flags: [...isAsync, ...(end === "pivot" ? (["pivot"] as const) : [])] });
  } catch (error) {
    if (!(error instanceof VirError)) throw error;
    const what = end === "pivot" ? "pivot" : "finish";
    throw new PlainFailure(`failed to ${what} job for disk ${path}\nerror: ${error.message}`, { cause: error });
  }
  return `\n${saying(short, end)}`;
}
