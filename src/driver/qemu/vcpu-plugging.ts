import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { JsonObject } from "../../qmp/index.ts";
import { unplug } from "./device/unplug.ts";
import type { Run } from "./run.ts";

/** A place for a processor, as QEMU tells it; what is plugged has a path. */
interface Slot {
  readonly type: string;
  readonly props: JsonObject;
  readonly "qom-path"?: string;
}

/**
 * Plugs processors in, or asks the guest to give some back, one by one: `tell` hears the number after each. Rejects with
 * VirError when the guest keeps one, and as `Run.execute`.
 */
export async function plugVcpus(
  run: Run,
  count: number,
  timeoutMs: number,
  tell: (count: number) => void,
): Promise<void> {
  for (;;) {
    const slots = (await run.execute("query-hotpluggable-cpus", {}, timeoutMs)) as readonly Slot[];
    const plugged = slots.filter((slot) => slot["qom-path"] !== undefined);
    if (plugged.length === count) return;
    if (plugged.length < count) {
      // QEMU lists the last one first.
      const free = slots.findLast((slot) => slot["qom-path"] === undefined);
      if (free === undefined) throw failed("there is no place for another vCPU");
      const args = { driver: free.type, id: `vcpu${plugged.length}`, ...free.props };
      await run.execute("device_add", args, timeoutMs);
      tell(plugged.length + 1);
    } else {
      const last = plugged
        .map((slot) => slot["qom-path"]?.split("/") ?? [])
        .find((path) => path.at(-1) === `vcpu${plugged.length - 1}`);
      if (last === undefined) throw failed("vcpu can't be unplugged: it was there from the start");
      if ((await unplug(run, `vcpu${plugged.length - 1}`, timeoutMs)) !== "gone") throw unplugOverdue();
      tell(plugged.length - 1);
    }
  }
}

function failed(detail: string): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail);
}

function unplugOverdue(): VirError {
  const detail = "vcpu unplug request timed out. Unplug result must be manually inspected in the domain";
  return VirError.of(ErrorCode.operationTimeout, ErrorDomain.qemu, detail);
}
