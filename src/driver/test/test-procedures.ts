import type { DriverProcedures } from "../driver.ts";
import { checkpointProcedures } from "./checkpoint-procedures.ts";
import { consoleProcedures } from "./consoles.ts";
import { cpuStatisticsProcedures } from "./cpu-statistics.ts";
import { deviceProcedures } from "./devices.ts";
import { agentProcedures } from "./guest-agent.ts";
import { hostProcedures } from "./host.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { inspectionProcedures } from "./inspection.ts";
import { ioThreadProcedures } from "./io-threads.ts";
import { lifecycleProcedures } from "./lifecycle.ts";
import { lifecycleActionProcedures } from "./lifecycle-actions.ts";
import { lookupProcedures } from "./lookup.ts";
import { metadataProcedures } from "./metadata.ts";
import type { NodeInfo } from "./node-info.ts";
import { processorProcedures } from "./processors.ts";
import { resourceProcedures } from "./resources.ts";
import { saveProcedures } from "./save.ts";
import { schedulerProcedures } from "./scheduler.ts";
import { screenshotProcedures } from "./screenshot.ts";
import { snapshotProcedures } from "./snapshot-procedures.ts";
import { stateProcedures } from "./state.ts";
import { statisticsProcedures } from "./statistics.ts";
import { tuningProcedures } from "./tuning.ts";

/** All that libvirt's test hypervisor does. */
export function testProcedures(hypervisor: Hypervisor, node: NodeInfo): DriverProcedures {
  return {
    ...hostProcedures(hypervisor, node),
    ...lookupProcedures(hypervisor),
    ...lifecycleProcedures(hypervisor),
    ...lifecycleActionProcedures(hypervisor),
    ...stateProcedures(hypervisor),
    ...resourceProcedures(hypervisor),
    ...processorProcedures(hypervisor),
    ...ioThreadProcedures(hypervisor),
    ...metadataProcedures(hypervisor),
    ...saveProcedures(hypervisor),
    ...schedulerProcedures(hypervisor),
    ...tuningProcedures(hypervisor),
    ...inspectionProcedures(hypervisor),
    ...screenshotProcedures(),
    ...consoleProcedures(hypervisor),
    ...deviceProcedures(hypervisor),
    ...statisticsProcedures(hypervisor),
    ...cpuStatisticsProcedures(hypervisor),
    ...agentProcedures(hypervisor),
    ...snapshotProcedures(hypervisor),
    ...checkpointProcedures(hypervisor),
  };
}
