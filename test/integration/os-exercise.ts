import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { Ready } from "../../src/event/index.ts";
import { connectInbox, type InboxAddress, openLoop, pairUnix } from "../../src/os/index.ts";
import * as libc from "../../src/os/libc.ts";
import { openDescriptors, openEvent } from "../os/descriptors.ts";

/** A bit of everything on a loop of its own. Says what came, in order, and what is left open. */
export async function exerciseLoop(): Promise<string[]> {
  const before = openDescriptors();
  const events: string[] = [];
  const loop = openLoop();
  const fd = openEvent(1);
  const watch = loop.watch(fd, Ready.readable, async () => {
    watch.remove();
    await new Promise(setImmediate);
    events.push("watch");
  });
  await watch.closed;
  libc.close(fd);
  await loop.timeout(loop.now() + 1, () => events.push("timeout")).closed;
  const [here, there] = pairUnix(loop);
  await new Promise<void>((resolve) => {
    there.open({ onData: (bytes) => there.send(bytes), onClose: () => resolve() });
    here.open({ onData: () => here.close(), onClose: () => events.push("transport") });
    here.send(new Uint8Array(1));
  });
  await loop.close();
  const after = openDescriptors();
  return [...events, ...after.filter((line) => !before.includes(line))];
}

/** What a Worker or a forked process of this file does. */
export interface Orders {
  readonly inbox?: InboxAddress;
  readonly name?: string;
  /** How many values to post; without end if absent. */
  readonly count?: number;
}

/** Posts `name number` until all are posted or the inbox is closed. Says how many were accepted. */
function flood({ inbox, name, count = Infinity }: Orders): number {
  if (inbox === undefined) return 0;
  const outbox = connectInbox<string>(inbox);
  let posted = 0;
  while (posted < count && outbox.post(`${name} ${posted + 1}`)) posted++;
  outbox.close();
  return posted;
}

export const exerciseUrl = new URL(import.meta.url);

const orders = workerData as Orders | undefined;
if (!isMainThread) parentPort?.postMessage(orders?.inbox === undefined ? await exerciseLoop() : flood(orders));
else if (process.argv[2] === "forked") process.send?.(await exerciseLoop());
