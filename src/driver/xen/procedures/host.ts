import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { writeXml } from "../../../xml/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { readHostFacts } from "../../qemu/capabilities/host-facts.ts";
import { nodeInfo } from "../../qemu/machine.ts";
import { nodeProcedures } from "../../qemu/procedures/node.ts";
import { capabilitiesElement } from "../capabilities.ts";

/** What is asked of the hypervisor and its host, as domain 0 sees it. */
export function hostProcedures(): DriverProcedures {
  const facts = readHostFacts();
  return {
    ...nodeProcedures(),
    connectGetType: () => ({ type: "Xen" }),
    connectGetVersion: () => ({ hvVer: hypervisorVersion() }),
    connectGetMaxVcpus: ({ type }) => {
      const kind = (type ?? "xen").toLowerCase();
      if (kind === "xen" || kind === "hvm" || kind === "linux") return { maxVcpus: 512 };
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.libxl, `unknown type '${kind}'`);
    },
    connectGetHostname: () => ({ hostname: hostname() }),
    connectGetCapabilities: () => ({ capabilities: writeXml(capabilitiesElement(facts)) }),
    nodeGetInfo: () => nodeInfo(facts),
    nodeGetSecurityModel: () => ({ model: "none", doi: "0" }),
  };
}

/** major * 1,000,000 + minor * 1,000; 0 where nobody says. */
function hypervisorVersion(): bigint {
  const part = (name: string): bigint => {
    try {
      return BigInt(readFileSync(`/sys/hypervisor/version/${name}`, "latin1").trim());
    } catch {
      return 0n;
    }
  };
  return part("major") * 1_000_000n + part("minor") * 1_000n;
}
