import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { Element } from "../../../xml/index.ts";
import { sourceOf, targetOf } from "../devices-of.ts";
import { changed } from "../modification.ts";
import type { Run } from "../run.ts";
import type { BlockNode } from "../statistics/block-group.ts";
import type { BlockJobPlan, BlockJobs } from "./block-jobs.ts";
import { commitMirror, copyMirror, plainCommitMirror, setMirror } from "./chain-edit.ts";
import { type CopyTarget, copyNodes, freeIndex, prepareCopyTarget } from "./copy-target.ts";
import { findImage, type Image, imageElements, imagesOf } from "./image-chain.ts";
import { type BlockJobKind, jobId, parseJobId } from "./kinds.ts";

/** A job as `query-block-jobs` tells it. */
export interface JobAnswer extends JsonObject {
  readonly device: string;
  readonly len: number;
  readonly offset: number;
  readonly speed: number;
  readonly ready?: boolean;
}

/** A disk of a run on which a job is to begin. */
export interface JobPlace {
  readonly jobs: BlockJobs;
  readonly domain: Domain;
  readonly run: Run;
  readonly disk: Element;
  readonly timeoutMs: number;
  /** In bytes per second; 0: as fast as it goes. */
  readonly speed: number;
}

/** Copies what the images below the disk's own hold, down to `base`, into it. */
export async function beginPull(place: JobPlace, base: string | null): Promise<void> {
  const images = await usable(place);
  const [top] = images;
  if (top === undefined) throw noSource(place.disk);
  const below = base === null ? undefined : findImage(images, place.disk, base, top);
  const baseAt = below === undefined ? undefined : images.indexOf(below);
  const args = { device: top.node, ...(below && { "base-node": below.node }) };
  const gone = images.slice(1, baseAt);
  await begin(place, "block-stream", args, { kind: "pull", top: 0, base: baseAt, obsolete: nodesOf(gone), vain: [] });
}

/** Copies what the images from `top` on hold into `base`; from the disk's own on, the guest is then switched to it. */
export async function beginCommit(
  place: JobPlace,
  base: string | null,
  top: string | null,
  flags: { readonly active: boolean; readonly shallow: boolean },
): Promise<void> {
  const { disk } = place;
  const images = await usable(place);
  const [first] = images;
  if (first === undefined) throw noSource(disk);
  const from = top === null ? first : findImage(images, disk, top);
  const isActive = from === first;
  if (isActive && !flags.active && images.length > 1) {
    if (images.length > 1) throw wrong(`commit of '${targetOf(disk)}' active layer requires active flag`);
  }
  if (!isActive && flags.active) throw wrong(`active commit requested but '${from.path ?? ""}' is not active`);
  const topAt = images.indexOf(from);
  const last = flags.shallow ? images[topAt + 1] : images.at(-1);
  const into = base === null ? last : findImage(images, disk, base, from);
  if (into === undefined || into === from) throw wrong(`could not find base image in chain for '${targetOf(disk)}'`);
  const baseAt = images.indexOf(into);
  if (flags.shallow && baseAt !== topAt + 1) {
    throw wrong(
      `base '${into.path ?? ""}' is not immediately below '${from.path ?? ""}' in chain for '${targetOf(disk)}'`,
    );
  }
  const kind: BlockJobKind = isActive ? "active-commit" : "commit";
  const gone = nodesOf(images.slice(topAt, baseAt));
  const args = { device: first.node, "top-node": from.node, "base-node": into.node };
  const plan = { kind, top: topAt, base: baseAt, obsolete: gone, vain: [] };
  // Beside the base, the one above the top gets another header.
  const written = [into.path, images[topAt - 1]?.path];
  const mirror = isActive ? mirrorOf(disk, baseAt, into) : undefined;
  await place.jobs.lending(place.run, written, () => begin(place, "block-commit", args, plan, mirror));
}

/** What shows where an active commit will end. */
function mirrorOf(disk: Element, at: number, { path, format }: Image): Element | undefined {
  const element = imageElements(disk)[at];
  if (element !== undefined) return commitMirror(element);
  return path === undefined ? undefined : plainCommitMirror(path, format);
}

/** Copies the disk elsewhere, and goes on with that until it is ended or the guest is switched to it. */
export async function beginCopy(
  place: JobPlace,
  target: CopyTarget,
  flags: { readonly shallow: boolean; readonly reuse: boolean; readonly synchronous: boolean },
  more: JsonObject,
): Promise<void> {
  const { disk, run, domain, timeoutMs } = place;
  const images = await usable(place);
  const [top, second] = images;
  const { definition } = domain;
  if (top === undefined || definition === undefined) throw noSource(disk);
  const below = flags.shallow ? second : undefined;
  const nodes = (await run.execute("query-named-block-nodes", { flat: true }, timeoutMs)) as readonly BlockNode[];
  const size = nodes.find((node) => node["node-name"] === top.node)?.image["virtual-size"] ?? 0;
  const belowFormat = imageElements(disk)[1]?.first("format")?.attribute("type") ?? "qcow2";
  const backing = below?.path === undefined ? undefined : { path: below.path, format: belowFormat };
  await prepareCopyTarget(target, targetOf(disk), flags.reuse, size, backing);
  const index = freeIndex(definition, nodes);
  await place.jobs.lending(run, [target.path], () =>
    addCopy(place, target, { top, below, images, index }, flags, more),
  );
}

async function addCopy(
  place: JobPlace,
  target: CopyTarget,
  { top, below, images, index }: { top: Image; below: Image | undefined; images: readonly Image[]; index: number },
  flags: { readonly shallow: boolean; readonly synchronous: boolean },
  more: JsonObject,
): Promise<void> {
  const { run, timeoutMs } = place;
  const made: string[] = [];
  try {
    for (const node of copyNodes(target, index, below?.node ?? null)) {
      await run.execute("blockdev-add", node, timeoutMs);
      made.unshift(String(node["node-name"]));
    }
    const args = {
      device: top.node,
      target: made[0],
      sync: flags.shallow ? "top" : "full",
      ...(flags.synchronous && { "copy-mode": "write-blocking" }),
      ...more,
    };
    // The storage node goes with the one over it.
    const vain = made.slice(0, 1);
    const plan = { kind: "copy", top: 0, base: undefined, obsolete: nodesOf(images), vain } as const;
    const mirror = copyMirror(target.path, target.type, target.format, index);
    await begin(place, "blockdev-mirror", args, plan, mirror);
  } catch (error) {
    for (const node of made) await run.execute("blockdev-del", { "node-name": node }, timeoutMs).catch(() => {});
    throw error;
  }
}

/** The jobs of a run that are ours, each with the target of its disk. Rejects as `Run.execute`. */
export async function jobsOf(
  run: Run,
  timeoutMs: number,
): Promise<{ answer: JobAnswer; kind: BlockJobKind; target: string }[]> {
  const answers = (await run.execute("query-block-jobs", {}, timeoutMs)) as readonly JobAnswer[];
  return answers.flatMap((answer) => {
    const job = parseJobId(answer.device);
    return job === undefined ? [] : [{ answer, ...job }];
  });
}

async function usable({ run, disk, timeoutMs }: JobPlace): Promise<Image[]> {
  if (sourceOf(disk) === undefined) throw noSource(disk);
  const target = targetOf(disk);
  const running = (await jobsOf(run, timeoutMs)).find((job) => job.target === target);
  if (running !== undefined) throw inUse(target, disk.first("mirror") !== undefined);
  return imagesOf(run, disk, timeoutMs);
}

/**
 * QEMU may tell that the job is ready, or over, before its reply: what it was asked to do is known, and what is shown of it
 * is shown, before it is asked.
 */
async function begin(
  place: JobPlace,
  command: string,
  args: JsonObject,
  plan: Omit<BlockJobPlan, "target">,
  mirror?: Element,
): Promise<void> {
  const { jobs, run, disk, timeoutMs, speed } = place;
  const target = targetOf(disk);
  const id = jobId(plan.kind, target);
  jobs.expect(run, id, { ...plan, target });
  if (mirror !== undefined) show(place, mirror);
  try {
    await run.execute(command, { "job-id": id, ...args, ...(speed > 0 && { speed }) }, timeoutMs);
  } catch (error) {
    jobs.forget(run, id);
    if (mirror !== undefined) show(place, undefined);
    throw error;
  }
}

function show({ domain, run, disk }: JobPlace, mirror: Element | undefined): void {
  const { definition } = domain;
  if (definition === undefined || domain.incarnation !== run.incarnation) return;
  const target = targetOf(disk);
  run.describe(
    changed(definition, (root) => {
      const own = root
        .first("devices")
        ?.all("disk")
        .find((each) => targetOf(each) === target);
      if (own !== undefined) setMirror(own, mirror);
    }),
  );
}

function nodesOf(images: readonly Image[]): string[] {
  return images.map(({ node }) => node);
}

function noSource(disk: Element): VirError {
  return wrong(`disk '${targetOf(disk)}' does not currently have a source assigned`);
}

function inUse(target: string, isMirror: boolean): VirError {
  const code = isMirror ? ErrorCode.blockCopyActive : ErrorCode.operationUnsupported;
  const detail = `disk '${target}' already in active block job`;
  return isMirror ? stillActive(detail) : VirError.of(code, ErrorDomain.qemu, detail);
}

/** A copy or an active commit that is under way. */
export function stillActive(detail: string): VirError {
  const phrase = "block copy still active: ";
  const fields = { code: ErrorCode.blockCopyActive, domain: ErrorDomain.qemu, str1: `${phrase}%s`, str2: detail };
  return new VirError(`${phrase}${detail}`, fields);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}
