import type { Timers } from "../event/index.ts";

/** Node's own. They keep the process alive as long as something is due. */
export const nodeTimers: Timers = {
  now: () => performance.now(),
  after: (ms, ring) => {
    const timer = setTimeout(ring, ms);
    return () => clearTimeout(timer);
  },
  soon: (ring) => void setImmediate(ring),
};
