import type { DomainEvent } from "../../open/index.ts";

/** virsh's names of events, in the order of their numbers, and the library's. */
export const eventNames = {
  lifecycle: "lifecycle",
  reboot: "reboot",
  "rtc-change": "rtcChange",
  watchdog: "watchdog",
  "io-error": "ioError",
  graphics: "graphics",
  "io-error-reason": "ioErrorReason",
  "control-error": "controlError",
  "block-job": "blockJob",
  "disk-change": "diskChange",
  "tray-change": "trayChange",
  "pm-wakeup": "pmwakeup",
  "pm-suspend": "pmsuspend",
  "balloon-change": "balloonChange",
  "pm-suspend-disk": "pmsuspendDisk",
  "device-removed": "deviceRemoved",
  "block-job-2": "blockJob2",
  tunable: "tunable",
  "agent-lifecycle": "agentLifecycle",
  "device-added": "deviceAdded",
  "migration-iteration": "migrationIteration",
  "job-completed": "jobCompleted",
  "device-removal-failed": "deviceRemovalFailed",
  "metadata-change": "metadataChange",
  "block-threshold": "blockThreshold",
  "memory-failure": "memoryFailure",
  "memory-device-size-change": "memoryDeviceSizeChange",
} as const satisfies Readonly<Record<string, DomainEvent["name"]>>;

export type VirshEventName = keyof typeof eventNames;

const virshNames: ReadonlyMap<string, string> = new Map(Object.entries(eventNames).map(([name, ours]) => [ours, name]));

/** virsh's name of an event of the library. */
export function virshName(name: DomainEvent["name"]): string {
  return virshNames.get(name) ?? name;
}
