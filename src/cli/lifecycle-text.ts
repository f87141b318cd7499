import { Lifecycle } from "../protocol/index.ts";

/** "started (booted)", from an event's numbers. */
export function lifecycleText(event: number, detail: number): string {
  for (const [name, row] of Object.entries(Lifecycle)) {
    if (row.event !== event) continue;
    const reason = Object.entries(row.detail).find(([, number]) => number === detail)?.[0] ?? `detail ${detail}`;
    return `${name} (${reason})`;
  }
  return `event ${event} (detail ${detail})`;
}
