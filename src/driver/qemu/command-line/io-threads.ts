import type { GuestContext } from "./guest-context.ts";
import { object, type Part } from "./part.ts";
import { number, numberIn } from "./reading.ts";

/** Threads for disks: those that `<iothreadids>` names, and as many more as `<iothreads>` says. */
export function ioThreads({ root }: GuestContext): Part[] {
  const named = root.first("iothreadids")?.all("iothread") ?? [];
  const threads = new Map(named.map((thread, place) => [number(thread, "id") ?? place + 1, thread]));
  const count = Math.min(numberIn(root.first("iothreads")) ?? 0, 1000);
  const ids = [...threads.keys()];
  for (let id = 1; ids.length < count; id++) if (!threads.has(id)) ids.push(id);
  return ids
    .sort((one, other) => one - other)
    .map((id) => {
      const thread = threads.get(id);
      return object("iothread", `iothread${id}`, {
        "thread-pool-min": number(thread, "thread_pool_min"),
        "thread-pool-max": number(thread, "thread_pool_max"),
      });
    });
}
