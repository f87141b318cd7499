import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { HostResources } from "../../host-resources.ts";
import type { Secrets } from "../../secret/secrets.ts";
import type { SecretReference } from "../command-line/index.ts";
import type { TapSource } from "./descriptors.ts";

/** What guests may have of this machine. */
export interface SharedResources {
  /** The bridge of an active network. Throws VirError. */
  bridgeOf(network: string): string;
  /** The path of a volume of an active pool. Throws VirError. */
  volumePath(pool: string, volume: string): string;
  /** The value of a secret. Throws VirError. */
  secretOf(secret: SecretReference): Uint8Array;
  readonly taps: TapSource | undefined;
}

/** Of a driver that has networks, pools and secrets, once it has been opened with them. */
export function sharedBy(
  resources: () => HostResources | undefined,
  secrets: () => Secrets | undefined,
): SharedResources {
  const those = (what: string): HostResources => resources() ?? refuse(what);
  return {
    bridgeOf: (network) => those(`network '${network}'`).networks.bridgeOf(network),
    volumePath: (pool, volume) => those(`storage pool '${pool}'`).pools.pathOf(pool, volume),
    secretOf: (secret) => (secrets() ?? refuse(`secret '${secret.uuid ?? secret.usage}'`)).valueFor(secret),
    get taps() {
      return resources()?.taps;
    },
  };
}

function refuse(what: string): never {
  const detail = `${what} is not there: this driver was opened without it`;
  throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
