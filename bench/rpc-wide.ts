import type { Driver, Hypervisor } from "../src/driver/driver.ts";
import type { TypedParam } from "../src/protocol/index.ts";
import { dom } from "./rpc-frames.ts";

export const wideUri = "bench:///wide";

/** 10,000 domains with as many statistics as real guests have; libvirt's test hypervisor has two of each. */
export function wideDriver({ journal }: Pick<Hypervisor, "journal">): Driver {
  const hypervisor: Hypervisor = {
    features: new Set(),
    journal,
    procedures: {
      connectGetAllDomainStats: () => ({
        retStats: Array.from({ length: 10_000 }, (_, index) => new WideRow(index)),
      }),
    },
    subscribe: () => () => {},
  };
  return {
    name: "wide",
    accepts: (uri) => uri === wideUri,
    connect: () => ({ hypervisor, release: () => {} }),
    close: async () => {},
  };
}

/** Made when it is written. */
class WideRow {
  readonly #index: number;

  constructor(index: number) {
    this.#index = index;
  }

  get dom() {
    return { ...dom, name: `bench-${this.#index}` };
  }

  get params(): TypedParam[] {
    return Array.from({ length: 50 }, (_, param) => ({
      field: `block.${param % 5}.counter.${param}`,
      value: { type: "ullong", value: BigInt(this.#index * param) },
    }));
  }
}
