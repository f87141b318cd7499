import type { ObjectEvent } from "../protocol/index.ts";
import type { ObjectEventSource } from "./driver.ts";

/** What several sources report, each of kinds of its own, as one. */
export function joinEvents(sources: readonly ObjectEventSource[]): ObjectEventSource {
  return {
    kinds: new Set(sources.flatMap(({ kinds }) => [...kinds])),
    subscribe: (listener: (event: ObjectEvent) => void) => {
      const endings = sources.map((source) => source.subscribe(listener));
      return () => {
        for (const end of endings) end();
      };
    },
  };
}
