import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { JsonObject } from "../../qmp/index.ts";
import type { Element } from "../../xml/index.ts";
import { inOrder, setVcpuStates, type VcpuState, vcpuStates } from "./definition/vcpu-states.ts";
import { unplug } from "./device/unplug.ts";
import type { Change } from "./modification.ts";
import type { Run } from "./run.ts";

/** A place for a processor, as QEMU tells it; what is plugged has a path. */
interface Slot {
  readonly type: string;
  readonly props: JsonObject;
  readonly "qom-path"?: string;
}

/** Where processors that can be taken away are; those of the start are elsewhere. */
const removable = /^\/machine\/peripheral\/(vcpu\d+)$/;

/**
 * Plugs processors in, or asks the guest to give some back, one by one, until there are so many: what there is is written
 * down after each. Rejects with VirError when the guest keeps one, and as `Run.execute`.
 */
export async function plugVcpus(change: Change, run: Run, count: number): Promise<void> {
  for (;;) {
    const slots = await slotsOf(run, change.timeoutMs);
    const plugged = slots.filter(isPlugged).length;
    if (plugged === count) return;
    const id = plugged < count ? slots.findIndex((slot) => !isPlugged(slot)) : slots.findLastIndex(isRemovable);
    if (id < 0) {
      const detail = "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count";
      throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
    }
    await switchSlot(change, run, slots, id);
  }
}

/** Plugs one processor in, or asks the guest to give it back. Rejects as `plugVcpus`. */
export async function plugVcpu(change: Change, run: Run, ids: readonly number[], isWanted: boolean): Promise<void> {
  const slots = await slotsOf(run, change.timeoutMs);
  const idle = ids.find((id) => isPlugged(slots[id]) === isWanted);
  if (idle !== undefined) throw wrong(`vcpu '${idle}' is already in requested state`);
  const [id = 0, ...others] = ids;
  if (others.length > 0) throw unsupported("only one hotpluggable entity can be selected");
  if (!isWanted && !isRemovable(slots[id])) throw unsupported(`vcpu '${id}' can't be unplugged`);
  await switchSlot(change, run, slots, id);
}

/** The other way round than it is. */
async function switchSlot(change: Change, run: Run, slots: readonly Slot[], id: number): Promise<void> {
  const slot = slots[id];
  if (slot === undefined) throw unsupported(`there is no place for vcpu '${id}'`);
  const path = slot["qom-path"];
  if (path === undefined) {
    await run.execute("device_add", { driver: slot.type, id: `vcpu${id}`, ...slot.props }, change.timeoutMs);
  } else {
    const alias = removable.exec(path)?.[1] ?? "";
    if ((await unplug(run, alias, change.timeoutMs)) !== "gone") throw unplugOverdue();
  }
  change.describe((root) => note(root, id, path === undefined));
}

function note(root: Element, id: number, isEnabled: boolean): void {
  const states = vcpuStates(root);
  const known = states.some(({ order }) => order !== undefined) ? states : inOrder(states);
  const last = Math.max(0, ...known.map(({ order }) => order ?? 0));
  const changed: VcpuState = { isEnabled, isHotpluggable: true, order: isEnabled ? last + 1 : undefined };
  setVcpuStates(
    root,
    known.map((state, at) => (at === id ? changed : state)),
  );
}

/** By the numbers of the processors: QEMU lists the last one first. */
async function slotsOf(run: Run, timeoutMs: number): Promise<readonly Slot[]> {
  const slots = (await run.execute("query-hotpluggable-cpus", {}, timeoutMs)) as readonly Slot[];
  return slots.toReversed();
}

function isPlugged(slot: Slot | undefined): boolean {
  return slot?.["qom-path"] !== undefined;
}

function isRemovable(slot: Slot | undefined): boolean {
  return removable.test(slot?.["qom-path"] ?? "");
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.qemu, detail);
}

function unplugOverdue(): VirError {
  const detail = "vcpu unplug request timed out. Unplug result must be manually inspected in the domain";
  return VirError.of(ErrorCode.operationTimeout, ErrorDomain.qemu, detail);
}
