import type { Timers } from "../event/index.ts";

/** A page's own. In a tab that nobody sees `after` may be a second late; `soon` is not. */
export function pageTimers(): Timers {
  const { port1: sender, port2: receiver } = new MessageChannel();
  const due: (() => void)[] = [];
  receiver.onmessage = () => due.shift()?.();
  return {
    now: () => performance.now(),
    after: (ms, ring) => {
      const timer = setTimeout(ring, ms);
      return () => clearTimeout(timer);
    },
    soon: (ring) => {
      due.push(ring);
      sender.postMessage(undefined);
    },
    close: () => sender.close(),
  };
}
