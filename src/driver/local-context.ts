import { closeSync } from "node:fs";
import type { CallContext } from "./driver.ts";

/** For calls from the daemon's own process: nobody gives up, everything is allowed, no descriptors go either way. */
export function localContext(signal: AbortSignal = new AbortController().signal): CallContext {
  return {
    signal,
    readOnly: false,
    takeFds: () => [],
    passFds: (fds) => {
      for (const fd of fds) closeSync(fd);
    },
  };
}
