import type { DomainEvent } from "../../open/index.ts";
import { virshName } from "./event-names.ts";

/** virsh's words for details of lifecycle events, where they are other than the library's with a capital. */
const details: Readonly<Record<string, string>> = {
  fromSnapshot: "Snapshot",
  wakeup: "Event wakeup",
  ioerror: "I/O Error",
  apiError: "API error",
  postcopy: "Post-copy",
  postcopyFailed: "Post-copy Error",
  guest: "Guest request",
  host: "Host request",
};

const jobTypes = ["Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup"];
const jobStates = ["completed", "failed", "canceled", "ready"];
const ioActions = ["none", "pause", "report"];
const watchdogActions = ["none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi"];
const phases = ["connect", "initialize", "disconnect"];
const families = ["IPv4", "IPv6", "unix"];

/** As virsh writes an event: "event 'lifecycle' for domain 'test': Suspended Paused". */
export function eventLine(event: DomainEvent): string {
  const head = `event '${virshName(event.name)}' for domain '${event.domain.name}'`;
  const rest = restOf(event);
  return rest === undefined ? head : `${head}${rest}`;
}

function restOf(event: DomainEvent): string | undefined {
  const word = (words: readonly string[], at: number): string => words[at] ?? "unknown";
  switch (event.name) {
    case "lifecycle":
      return `: ${title(event.event)} ${details[event.detail] ?? title(event.detail)}`;
    case "rtcChange":
      return `: ${event.offset}`;
    case "watchdog":
      return `: ${word(watchdogActions, event.action)}`;
    case "ioError":
      return `: ${event.srcPath} (${event.devAlias}) ${word(ioActions, event.action)}`;
    case "ioErrorReason":
      return `: ${event.srcPath} (${event.devAlias}) ${word(ioActions, event.action)} due to ${event.reason}`;
    case "graphics": {
      const end = ({ family, node, service }: typeof event.local): string =>
        `[${word(families, family)} ${node} ${service}]`;
      return `: ${word(phases, event.phase)} local${end(event.local)} remote${end(event.remote)} ${event.authScheme}`;
    }
    case "blockJob":
      return `: ${word(jobTypes, event.type)} for ${event.path} ${word(jobStates, event.status)}`;
    case "blockJob2":
      return `: ${word(jobTypes, event.type)} for ${event.dst} ${word(jobStates, event.status)}`;
    case "diskChange":
      return ` disk ${event.devAlias}: ${event.oldSrcPath ?? ""} -> ${event.newSrcPath ?? ""}: ${word(["changed", "dropped"], event.reason)}`;
    case "trayChange":
      return ` disk ${event.devAlias}: ${word(["opened", "closed"], event.reason)}`;
    case "balloonChange":
      return `: ${event.actual}KiB`;
    case "deviceAdded":
    case "deviceRemoved":
    case "deviceRemovalFailed":
      return `: ${event.devAlias}`;
    case "tunable":
    case "jobCompleted": {
      const lines = Object.entries(event.params).map(([name, value]) => `\n\t${name}: ${value}`);
      return `:${lines.join("")}`;
    }
    case "agentLifecycle": {
      const reason = word(["unknown", "domain started", "channel event"], event.reason);
      return `: state: '${word(["unknown", "connected", "disconnected"], event.state)}' reason: '${reason}'`;
    }
    case "migrationIteration":
      return `: iteration: '${event.iteration}'`;
    case "metadataChange":
      return `: type ${word(["description", "title", "element"], event.type)}, uri ${event.nsuri ?? ""}`;
    case "blockThreshold":
      return `: dev: ${event.dev}(${event.path ?? ""}) ${event.threshold} ${event.excess}`;
    case "memoryDeviceSizeChange":
      return `: alias: '${event.alias}', size: '${event.size}'`;
    case "memoryFailure":
      return [
        `:\nrecipient: ${word(["hypervisor", "guest"], event.recipient)}`,
        `action: ${word(["ignore", "inject", "fatal", "reset"], event.action)}`,
        `flags:\n\taction required: ${event.flags & 1}\n\trecursive: ${(event.flags >> 1) & 1}`,
      ].join("\n");
    case "nicMacChange":
      return `: alias: '${event.alias}', '${event.oldMac}' => '${event.newMac}'`;
    case "controlError":
    case "pmsuspend":
    case "pmsuspendDisk":
    case "pmwakeup":
    case "reboot":
      return undefined;
  }
}

function title(word: string): string {
  if (word === "pmsuspended") return "PMSuspended";
  return word.charAt(0).toUpperCase() + word.slice(1);
}
