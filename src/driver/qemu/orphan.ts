import type { Loop, Transport } from "../../event/index.ts";
import { Monitor, MonitorClosedError } from "../../qmp/index.ts";

/** How long it may take, from greeting to end. */
const timeoutMs = 5000;

/**
 * Ends a QEMU that was launched by a daemon which died before it could write down the process: its guest has never run.
 * Rejects when it does not go.
 */
export async function endOrphan(loop: Loop, transport: Transport | undefined): Promise<void> {
  if (transport === undefined) return;
  const monitor = new Monitor(loop, transport, { onEvent: () => {}, onClose: () => {} });
  try {
    await monitor.open({ timeoutMs });
    await monitor.execute("quit", {}, { timeoutMs });
  } catch (error) {
    if (!(error instanceof MonitorClosedError)) throw error;
  } finally {
    monitor.close();
  }
}
