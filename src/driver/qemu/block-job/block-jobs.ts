import type { Domain } from "../../../model/index.ts";
import type { DomainEvent } from "../../../protocol/index.ts";
import type { JsonObject, MonitorEvent } from "../../../qmp/index.ts";
import type { Element } from "../../../xml/index.ts";
import { devicesOf, sourceOf, targetOf } from "../devices-of.ts";
import type { Guests } from "../guests.ts";
import { changed } from "../modification.ts";
import type { Run } from "../run.ts";
import { cutChain, makeTop, replaceSource, setMirror } from "./chain-edit.ts";
import { imageElements } from "./image-chain.ts";
import { type BlockJobKind, jobStatus, jobTypes, parseJobId } from "./kinds.ts";

/** What a job was asked to do: needed once it has been done. */
export interface BlockJobPlan {
  readonly kind: BlockJobKind;
  readonly target: string;
  /** Of the images in the definition, from the top: those between them go. */
  readonly top: number;
  readonly base: number | undefined;
  /** Nodes that nobody needs when it has been done, and when it has not. */
  readonly obsolete: readonly string[];
  readonly vain: readonly string[];
}

/**
 * Follows the jobs on disks of all runs: what they have changed is written down and told. A job that the daemon before us
 * began is known by its id; how its images hung together is then taken from what the definition shows.
 */
export class BlockJobs {
  readonly #guests: Guests;
  readonly #plans = new WeakMap<Run, Map<string, BlockJobPlan>>();
  readonly #pivoting = new WeakMap<Run, Set<string>>();

  constructor(guests: Guests) {
    this.#guests = guests;
  }

  /** The job is about to begin; it has this id in QEMU. */
  expect(run: Run, id: string, plan: BlockJobPlan): void {
    const plans = this.#plans.get(run) ?? new Map<string, BlockJobPlan>();
    plans.set(id, plan);
    this.#plans.set(run, plans);
  }

  /** It has not begun. */
  forget(run: Run, id: string): void {
    this.#plans.get(run)?.delete(id);
  }

  /** What ends a job that is ready is the switch to its destination, not its abort. */
  pivot(run: Run, id: string): void {
    const pivoting = this.#pivoting.get(run) ?? new Set<string>();
    pivoting.add(id);
    this.#pivoting.set(run, pivoting);
  }

  /** Each event of a run's monitor comes here, on the loop. */
  onEvent(domain: Domain, run: Run, { name, data }: MonitorEvent): void {
    const id = String(data["device"]);
    const job = name.startsWith("BLOCK_JOB_") ? parseJobId(id) : undefined;
    if (job === undefined) return;
    if (name === "BLOCK_JOB_READY") this.#onReady(domain, run, job.kind, job.target);
    else if (name === "BLOCK_JOB_COMPLETED") this.#onEnd(domain, run, id, data, false);
    else if (name === "BLOCK_JOB_CANCELLED") this.#onEnd(domain, run, id, data, true);
  }

  /** Lends a run the files that a job is going to write, while `body` begins it. */
  lending<T>(run: Run, paths: readonly (string | undefined)[], body: () => Promise<T>): Promise<T> {
    const files = paths.flatMap((path) => (path === undefined ? [] : [{ path, isWritten: true }]));
    return this.#guests.lending.during(run, files, body);
  }

  #onReady(domain: Domain, run: Run, kind: BlockJobKind, target: string): void {
    this.#edit(domain, run, target, (disk) => disk.first("mirror")?.setAttribute("ready", "yes"));
    this.#tell(domain, kind, target, jobStatus.ready);
  }

  #onEnd(domain: Domain, run: Run, id: string, data: JsonObject, wasCanceled: boolean): void {
    const job = parseJobId(id);
    if (job === undefined) return;
    const { kind, target } = job;
    const plan = this.#plans.get(run)?.get(id);
    const isMirror = kind === "copy" || kind === "active-commit";
    const hasPivoted = this.#pivoting.get(run)?.delete(id) === true;
    this.#plans.get(run)?.delete(id);
    const hasFailed = data["error"] !== undefined;
    // A mirror that was told to end while it was ready has completed, as QEMU says it.
    const isDone = !hasFailed && !wasCanceled && (!isMirror || hasPivoted);
    const before = this.#sourceIn(domain, target);
    this.#edit(domain, run, target, (disk) => finish(disk, kind, plan, isDone));
    const status = isDone ? jobStatus.completed : hasFailed ? jobStatus.failed : jobStatus.canceled;
    this.#tell(domain, kind, target, status, isDone ? undefined : before);
    const after = this.#sourceIn(domain, target);
    if (isDone && isMirror && before !== undefined && after !== before) this.#keep(domain, target, before);
    const vain = plan === undefined ? [] : isDone ? plan.obsolete : plan.vain;
    void this.#drop(run, vain).then(() => this.#guests.lending.takeBackUnused(run));
  }

  /** The persistent definition of a disk that was the same goes with it. */
  #keep(domain: Domain, target: string, before: string): void {
    const work = this.#guests.exclusively(domain, "block job", {}, async () => {
      const { persistent, definition } = domain;
      const live = definition && devicesOf(definition, "disk").find((disk) => targetOf(disk) === target);
      const source = live?.first("source")?.clone();
      const config = persistent && devicesOf(persistent, "disk").find((disk) => targetOf(disk) === target);
      if (persistent === undefined || source === undefined || config === undefined) return;
      if (sourceOf(config) !== before) return;
      source.removeAttribute("index");
      const edited = changed(persistent, (root) => {
        const disk = diskIn(root, target);
        if (disk === undefined) return;
        replaceSource(disk, source, live?.attribute("type"), live?.first("driver")?.attribute("type"), undefined);
        const store = disk.first("backingStore");
        if (store !== undefined) disk.children.splice(disk.children.indexOf(store), 1);
      });
      await this.#guests.keep(domain, edited);
    });
    work.catch(() => {
      // The domain is gone, or its definition: there is nothing to keep.
    });
  }

  /** A node that QEMU made itself goes by itself. One that it still uses stays until its end. */
  async #drop(run: Run, nodes: readonly string[]): Promise<void> {
    for (const node of nodes.flatMap((name) => [name, storageNode(name)])) {
      if (node.startsWith("#")) continue;
      await run.execute("blockdev-del", { "node-name": node }, dropMs).catch(() => {});
    }
  }

  #edit(domain: Domain, run: Run, target: string, edit: (disk: Element) => void): void {
    const { definition } = domain;
    if (definition === undefined || domain.incarnation !== run.incarnation) return;
    run.describe(
      changed(definition, (root) => {
        const disk = diskIn(root, target);
        if (disk !== undefined) edit(disk);
      }),
    );
  }

  #sourceIn({ definition }: Domain, target: string): string | undefined {
    const disk = definition && devicesOf(definition, "disk").find((each) => targetOf(each) === target);
    return disk && sourceOf(disk);
  }

  #tell(domain: Domain, kind: BlockJobKind, target: string, status: number, source?: string): void {
    const dom = domain.reference;
    const path = source ?? this.#sourceIn(domain, target) ?? "";
    const type = jobTypes[kind];
    const events: DomainEvent[] = [
      { name: "blockJob", dom, path, type, status },
      { name: "blockJob2", dom, dst: target, type, status },
    ];
    for (const event of events) this.#guests.publish(event);
  }
}

const dropMs = 10_000;

/** The node of the file below that of its format. */
export function storageNode(node: string): string {
  return `${node.replace(/-format$/, "")}-storage`;
}

function diskIn(root: Element, target: string): Element | undefined {
  return root
    .first("devices")
    ?.all("disk")
    .find((disk) => targetOf(disk) === target);
}

/** What a disk's definition shows when a job has ended. */
function finish(disk: Element, kind: BlockJobKind, plan: BlockJobPlan | undefined, isDone: boolean): void {
  const mirror = disk.first("mirror");
  setMirror(disk, undefined);
  if (!isDone) return;
  const images = imageElements(disk);
  if (kind === "copy") {
    const source = mirror?.first("source");
    if (source === undefined) return;
    replaceSource(
      disk,
      source.clone(),
      mirror?.attribute("type"),
      mirror?.first("format")?.attribute("type"),
      undefined,
    );
  } else if (kind === "active-commit") {
    const path = mirror === undefined ? undefined : sourceOf(mirror);
    const base = images.find((image) => image !== disk && sourceOf(image) === path) ?? images[plan?.base ?? -1];
    const source = mirror?.first("source");
    if (base !== undefined) makeTop(disk, base);
    else if (source !== undefined) {
      replaceSource(disk, source, mirror?.attribute("type"), mirror?.first("format")?.attribute("type"), undefined);
    }
  } else if (plan !== undefined) {
    // The one that those below it, down to the base, have gone from.
    const above = images[kind === "pull" ? 0 : plan.top - 1];
    const below = plan.base === undefined ? undefined : images[plan.base];
    if (above !== undefined) cutChain(above, below);
  }
}
