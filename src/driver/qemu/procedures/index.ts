import type { DriverProcedures } from "../../driver.ts";
import type { Operations } from "../operations.ts";
import { definitionProcedures } from "./definition.ts";
import { hostProcedures } from "./host.ts";
import { inspectionProcedures } from "./inspection.ts";
import { lifecycleProcedures } from "./lifecycle.ts";
import { listingProcedures } from "./listing.ts";

/** What the driver answers: arguments in, Operations or a look at the domain, results out. */
export function qemuProcedures(operations: Operations, version: bigint): DriverProcedures {
  const { guests } = operations;
  return {
    ...hostProcedures(version),
    ...listingProcedures(guests),
    ...definitionProcedures(operations),
    ...lifecycleProcedures(operations),
    ...inspectionProcedures(guests),
  };
}
