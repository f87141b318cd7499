import type { DriverProcedures } from "../../driver.ts";
import type { Operations } from "../operations.ts";
import { consoleProcedures } from "./consoles.ts";
import { definitionProcedures } from "./definition.ts";
import { deviceProcedures } from "./devices.ts";
import { hostProcedures } from "./host.ts";
import { inspectionProcedures } from "./inspection.ts";
import { jobProcedures } from "./jobs.ts";
import { lifecycleProcedures } from "./lifecycle.ts";
import { listingProcedures } from "./listing.ts";
import { metadataProcedures } from "./metadata.ts";
import { pinningProcedures } from "./pinning.ts";
import { resourceProcedures } from "./resources.ts";
import { saveProcedures } from "./saves.ts";
import { schedulerProcedures } from "./scheduler.ts";
import { statisticsProcedures } from "./statistics.ts";

/** All that the driver answers; what is not here is answered with libvirt's "not supported". */
export function xenProcedures(operations: Operations): DriverProcedures {
  const { guests } = operations;
  return {
    ...hostProcedures(guests),
    ...listingProcedures(operations),
    ...lifecycleProcedures(operations),
    ...definitionProcedures(operations),
    ...saveProcedures(operations),
    ...inspectionProcedures(guests),
    ...statisticsProcedures(guests),
    ...resourceProcedures(guests),
    ...pinningProcedures(guests),
    ...deviceProcedures(guests),
    ...schedulerProcedures(guests),
    ...jobProcedures(guests),
    ...consoleProcedures(guests),
    ...metadataProcedures(guests),
  };
}
