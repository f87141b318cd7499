import { join } from "node:path";
import type { Connector } from "../client/index.ts";
import { Daemon } from "../daemon/index.ts";
import type { Driver } from "../driver/driver.ts";
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
  // Each is large, and only one of them is needed.
  if (name === "test") return new (await import("../driver/test/index.ts")).TestDriver(loop);
  if (name !== "qemu" && name !== "xen") throw unsupported(`${name} cannot be embedded, only qemu, xen and test can`);
  if (places === undefined)
    throw unsupported(`an embedded driver for ${name} needs a place of its own: { embed: { directory: "..." } }`);
  const place = (...names: string[]): string => join(places.directory, ...names);
  const [stateDir, runDir] = [place("definitions"), place(name)];
  if (name === "xen") {
    const { XenDriver } = await import("../driver/xen/index.ts");
    if (!XenDriver.isHere()) throw unsupported("Xen's guests are managed in domain 0 of a Xen, and this is none");
    return XenDriver.open(loop, { stateDir, runDir });
  }
  const { QemuDriver } = await import("../driver/qemu/index.ts");
  return QemuDriver.open(loop, {
    uri,
    stateDir,
    runDir,
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
