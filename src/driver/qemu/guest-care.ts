import type { Domain } from "../../model/index.ts";
import type { Run } from "./run.ts";
import type { UnfinishedJob } from "./run-record.ts";

/** What is known of guests elsewhere, and is asked when their runs need it. Under the domain's job. */
export interface GuestCare {
  /** Something that takes long was under way when the daemon before us went. `run` has ended, or is as it left it. */
  recover(run: Run, job: UnfinishedJob): Promise<void>;
  /** Devices may have come or gone while nobody listened. */
  reconcile(run: Run): Promise<void>;
  /** The guest runs, by whatever way: what was kept of it from before is of no use any more. */
  onTakenUp(domain: Domain): Promise<void>;
  /** The guest has crashed, and its definition asks for its memory. */
  keepCrash(run: Run): Promise<void>;
}
