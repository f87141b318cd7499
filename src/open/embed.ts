import type { Connector } from "../client/index.ts";
import { Daemon } from "../daemon/index.ts";
import { TestDriver } from "../driver/test/index.ts";
import { openLoop } from "../os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { pairInMemory } from "../rpc/index.ts";
import type { ConnectionUri } from "./uri.ts";

/** A driver in this process, and the daemon's own way to it: what is said goes over memory. Throws VirError. */
export function embeddedConnector({ driver, name }: ConnectionUri): Connector {
  if (driver !== "test") {
    const detail = `${driver} cannot be embedded yet, test can: start a daemon, and open its socket`;
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.remote, detail);
  }
  const loop = openLoop();
  const hypervisor = new TestDriver(loop);
  const daemon = new Daemon(loop, { drivers: [hypervisor] });
  return {
    loop,
    name,
    connect: async () => {
      const [near, far] = pairInMemory(loop);
      daemon.accept(near);
      return far;
    },
    close: async () => {
      await daemon[Symbol.asyncDispose]();
      await hypervisor[Symbol.asyncDispose]();
    },
  };
}
