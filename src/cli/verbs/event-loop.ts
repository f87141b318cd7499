import type { Connection } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { type Given, NoResult } from "./verb.ts";

/** What a verb needs of a subscription. */
interface Told<E> extends AsyncIterable<E>, AsyncDisposable {
  close(): void;
}

/**
 * Shows events as virsh does: the next one, or with --loop those until --timeout is over or somebody ends it. Gives how
 * many there were; throws NoResult with that where there was none.
 */
export async function showEvents<E>(
  connection: Connection,
  given: Given,
  where: Around,
  begin: (signal: AbortSignal) => Told<E>,
  lineOf: (event: E) => string,
): Promise<string> {
  const timeoutMs = given.milliseconds("timeout");
  using interruption = where.interruption();
  const late = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const signal = late === undefined ? interruption.signal : AbortSignal.any([late, interruption.signal]);
  await using events = begin(signal);
  let told = 0;
  let end = "";
  try {
    for await (const each of events) {
      where.out(lineOf(each));
      told++;
      if (!given.has("loop")) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    end = interruption.signal.aborted ? "event loop interrupted\n" : "event loop timed out\n";
  }
  events.close();
  await settle(connection);
  const text = `${end}events received: ${told}\n`;
  if (told === 0) throw new NoResult(text);
  return text;
}

/** libvirtd 9.0 may not survive a client that goes while it is being unsubscribed: what is asked now is answered after that. */
async function settle(connection: Connection): Promise<void> {
  await connection.getHostname().catch(() => undefined);
}

/** With --timestamp, when it is, as virsh writes moments: in UTC, to the millisecond. */
export function stampOf(given: Given): string {
  if (!given.has("timestamp")) return "";
  return `${new Date().toISOString().replace("T", " ").replace("Z", "")}+0000: `;
}
