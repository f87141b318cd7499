import { hostname } from "node:os";
import type { DriverProcedures } from "../../driver.ts";
import { capabilities, nodeInfo } from "../machine.ts";

/** What is asked of the hypervisor and its host. `version` is QEMU's, as on the wire. */
export function hostProcedures(version: bigint): DriverProcedures {
  return {
    connectGetType: () => ({ type: "QEMU" }),
    connectGetVersion: () => ({ hvVer: version }),
    connectGetMaxVcpus: () => ({ maxVcpus: 255 }),
    nodeGetInfo: nodeInfo,
    connectGetCapabilities: () => ({ capabilities: capabilities() }),
    connectGetHostname: () => ({ hostname: hostname() }),
    nodeGetSecurityModel: () => ({ model: "none", doi: "0" }),
  };
}
