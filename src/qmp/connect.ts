import type { Loop, Transport } from "../event/index.ts";
import { Monitor, type MonitorListener } from "./monitor.ts";

export interface ConnectOptions extends MonitorListener {
  /** Until QEMU has greeted and negotiated. Default 30,000. */
  readonly timeoutMs?: number;
}

/**
 * A monitor that is ready, over a connection that nobody has opened yet:
 *
 *     await using monitor = await connect(loop, connectUnix(loop, "/run/vm.qmp"));
 *
 * Rejects with what closed it: DeadlineError, MonitorClosedError.
 */
export async function connect(loop: Loop, transport: Transport, options: ConnectOptions = {}): Promise<Monitor> {
  const monitor = new Monitor(loop, transport, options);
  await monitor.open(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs });
  return monitor;
}
