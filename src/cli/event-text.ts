import { type DomainEvent, Lifecycle } from "../protocol/index.ts";

/** What libvirt's numbers mean, where they are more than counts: kind, field, words from 0 on. */
const words: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  watchdog: { action: ["none", "pause", "reset", "poweroff", "shutdown", "debug", "inject nmi"] },
  ioError: { action: ["none", "pause", "report"] },
  ioErrorReason: { action: ["none", "pause", "report"] },
  graphics: { phase: ["connected", "authenticated", "disconnected"] },
  blockJob: {
    type: ["unknown", "pull", "copy", "commit", "active commit", "backup"],
    status: ["completed", "failed", "canceled", "ready"],
  },
  blockJob2: {
    type: ["unknown", "pull", "copy", "commit", "active commit", "backup"],
    status: ["completed", "failed", "canceled", "ready"],
  },
  diskChange: { reason: ["missing at start", "dropped at start"] },
  trayChange: { reason: ["opened", "closed"] },
  agentLifecycle: { state: ["unknown", "connected", "disconnected"], reason: ["unknown", "domain started", "channel"] },
  metadataChange: { type: ["description", "title", "element"] },
  memoryFailure: { recipient: ["hypervisor", "guest"], action: ["ignored", "injected", "fatal", "reset"] },
};

/** What has happened to a domain, in a few words: "started (booted)", "tray change (devAlias ide0-1-0, reason opened)". */
export function eventText(event: DomainEvent): string {
  if (event.name === "lifecycle") return lifecycleText(event.event, event.detail);
  const { name, dom: _, ...fields } = event;
  const parts = Object.entries(fields).flatMap(([field, value]) => {
    const text = valueText(typeof value === "number" ? (words[name]?.[field]?.[value] ?? value) : value);
    return text === "" ? [] : [`${field} ${text}`];
  });
  const kind = spaced(name);
  return parts.length === 0 ? kind : `${kind} (${parts.join(", ")})`;
}

function lifecycleText(event: number, detail: number): string {
  for (const [name, row] of Object.entries(Lifecycle)) {
    if (row.event !== event) continue;
    const reason = Object.entries(row.detail).find(([, number]) => number === detail)?.[0];
    return `${spaced(name)} (${reason === undefined ? `detail ${detail}` : spaced(reason)})`;
  }
  return `event ${event} (detail ${detail})`;
}

/** A name of the code as words. */
function spaced(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** "" for what is not there. */
function valueText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(itemText).join(" ");
  if (typeof value === "object") return Object.values(value).map(valueText).join(" ");
  return String(value as string | number | bigint);
}

/** A typed parameter as "name=value"; else what it consists of. */
function itemText(item: unknown): string {
  if (typeof item !== "object" || item === null || !("field" in item) || !("value" in item)) return valueText(item);
  const { value } = item.value as { readonly value: unknown };
  return `${String(item.field)}=${valueText(value)}`;
}
