import { join } from "node:path";
import type { Connector } from "../client/index.ts";
import { Daemon } from "../daemon/index.ts";
import type { Driver } from "../driver/driver.ts";
import { QemuDriver } from "../driver/qemu/index.ts";
import { TestDriver } from "../driver/test/index.ts";
import type { Loop } from "../event/index.ts";
import { openLoop } from "../os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { pairInMemory } from "../rpc/index.ts";
import type { ConnectionUri } from "./uri.ts";

/** Where an embedded driver keeps what outlives it. */
export interface EmbedPlaces {
  /** Guests' definitions, records and logs, and their monitors: no other process may have it. Its path must be short. */
  readonly directory: string;
}

/**
 * A driver in this process, and the daemon's own way to it: what is said goes over memory. Rejects with VirError, and
 * nothing is left then.
 */
export async function embeddedConnector(
  { driver, path, name }: ConnectionUri,
  places?: EmbedPlaces,
): Promise<Connector> {
  await using parts = new AsyncDisposableStack();
  const loop = openLoop();
  parts.use(loop);
  const hypervisor = parts.use(await openDriver(loop, driver, `${driver}://${path}`, places));
  const daemon = parts.use(new Daemon(loop, { drivers: [hypervisor] }));
  const kept = parts.move();
  return {
    loop,
    name,
    connect: async () => {
      const [near, far] = pairInMemory(loop);
      daemon.accept(near);
      return far;
    },
    // The loop's own closing comes last.
    close: () => kept.disposeAsync(),
  };
}

async function openDriver(
  loop: Loop,
  name: string,
  uri: string,
  places: EmbedPlaces | undefined,
): Promise<Driver & AsyncDisposable> {
  if (name === "test") return new TestDriver(loop);
  if (name !== "qemu") throw unsupported(`${name} cannot be embedded, only qemu and test can`);
  if (places === undefined)
    throw unsupported('an embedded QEMU needs a place of its own: { embed: { directory: "..." } }');
  const place = (...names: string[]): string => join(places.directory, ...names);
  return QemuDriver.open(loop, {
    uri,
    stateDir: place("definitions"),
    runDir: place("qemu"),
    logDir: place("log"),
    resources: {
      networkDir: place("networks"),
      networkRunDir: place("running/networks"),
      poolDir: place("pools"),
      poolRunDir: place("running/pools"),
    },
  });
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.remote, detail);
}
