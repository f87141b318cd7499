import type { DriverProcedures } from "../../driver.ts";
import { BlockJobs } from "../block-job/block-jobs.ts";
import type { Capabilities } from "../capabilities/index.ts";
import { relay } from "../events.ts";
import type { LeaseSource } from "../host-addresses.ts";
import { Observations } from "../observation.ts";
import type { Operations } from "../operations.ts";
import { agentProcedures } from "./agent.ts";
import { blockJobProcedures } from "./block-jobs.ts";
import { blockProcedures } from "./blocks.ts";
import { consoleProcedures } from "./consoles.ts";
import { definitionProcedures } from "./definition.ts";
import { deviceProcedures } from "./devices.ts";
import { guestInfoProcedures } from "./guest-info.ts";
import { hostProcedures } from "./host.ts";
import { inspectionProcedures } from "./inspection.ts";
import { ioThreadProcedures } from "./io-threads.ts";
import { jobProcedures } from "./jobs.ts";
import { lifecycleProcedures } from "./lifecycle.ts";
import { listingProcedures } from "./listing.ts";
import { metadataProcedures } from "./metadata.ts";
import { momentProcedures } from "./moments.ts";
import { nodeProcedures } from "./node.ts";
import { passthroughProcedures } from "./passthrough.ts";
import { pinningProcedures } from "./pinning.ts";
import { resourceProcedures } from "./resources.ts";
import { saveProcedures } from "./saves.ts";
import { screenProcedures } from "./screens.ts";
import { securityProcedures } from "./security.ts";
import { statisticsProcedures } from "./statistics.ts";
import { tuningProcedures } from "./tuning.ts";

/** What the answers depend on beside the guests. */
export interface Surroundings {
  readonly capabilities: Capabilities;
  /** QEMU's, as on the wire. */
  readonly version: bigint;
  readonly leasesOf: LeaseSource;
}

/** What the driver answers: arguments in, Operations or a look at the domain, results out. */
export function qemuProcedures(
  operations: Operations,
  { capabilities, version, leasesOf }: Surroundings,
): DriverProcedures {
  const { guests, removals } = operations;
  const observations = new Observations(guests.loop);
  const blockJobs = new BlockJobs(guests);
  guests.watchRuns((run, domain) =>
    run.onMonitorEvent((event) => {
      relay(guests, domain, run, event);
      blockJobs.onEvent(domain, run, event);
    }),
  );
  return {
    ...hostProcedures(guests, capabilities, version),
    ...listingProcedures(operations),
    ...definitionProcedures(operations),
    ...lifecycleProcedures(operations),
    ...saveProcedures(operations),
    ...jobProcedures(operations),
    ...agentProcedures(operations),
    ...inspectionProcedures(guests),
    ...securityProcedures(guests, capabilities.security),
    ...metadataProcedures(guests),
    ...tuningProcedures(guests),
    ...pinningProcedures(guests, observations),
    ...resourceProcedures(guests),
    ...passthroughProcedures(guests),
    ...blockProcedures(guests, observations),
    ...blockJobProcedures(guests, blockJobs),
    ...consoleProcedures(guests),
    ...deviceProcedures(guests, removals),
    ...screenProcedures(guests),
    ...momentProcedures(guests),
    ...nodeProcedures(),
    ...guestInfoProcedures(guests, leasesOf),
    ...ioThreadProcedures(guests, observations),
    ...statisticsProcedures(guests, observations),
  };
}
