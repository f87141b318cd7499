import { Deferred } from "../../../event/index.ts";
import type { Run } from "../run.ts";

/** How long a guest is waited for that is to give a device back: as libvirt does. */
export const unplugMs = 5000;

export type UnplugOutcome = "gone" | "refused" | "pending";

/**
 * Asks for a device's removal and waits a while: for QEMU's word that it is gone, or that the guest refuses. "pending": it
 * may still go, and an event will tell. Rejects as `Run.execute`.
 *
 * The listener is there before the command is sent, as the event may come before the reply.
 */
export async function unplug(run: Run, alias: string, timeoutMs: number): Promise<UnplugOutcome> {
  const told = new Deferred<UnplugOutcome>();
  const forget = run.onMonitorEvent(({ name, data }) => {
    if (!concerns(data["device"], data["path"], alias)) return;
    if (name === "DEVICE_DELETED") told.resolve("gone");
    else if (name === "DEVICE_UNPLUG_GUEST_ERROR" || name === "MEM_UNPLUG_ERROR") told.resolve("refused");
  });
  const ended = run.onGone(() => told.resolve("gone"));
  const timeout = run.loop.timeout(run.loop.now() + unplugMs, () => told.resolve("pending"));
  try {
    await run.execute("device_del", { id: alias }, timeoutMs);
    return await told.promise;
  } finally {
    forget();
    ended();
    timeout.remove();
  }
}

/** An event names the device by its id, or by a path where it has none. */
export function concerns(device: unknown, path: unknown, alias: string): boolean {
  if (typeof device === "string") return device === alias;
  return path === `/machine/peripheral/${alias}`;
}
