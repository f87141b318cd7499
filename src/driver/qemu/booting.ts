import { QemuDiedError } from "./errors.ts";
import type { LaunchPlan } from "./host.ts";
import type { Run } from "./run.ts";
import type { BootManner } from "./run-surroundings.ts";

/** How often a guest is started that has lost a port: so often others are not faster by chance. */
const mostAttempts = 5;

/**
 * Starts a guest. A port that was free when it was chosen may be somebody else's when QEMU comes to it, as nobody can keep
 * one for another process: QEMU ends then, and the guest is started again with others, as another run. Not when somebody
 * wants its end, and not from a memory that may have been read. Rejects as `Run.boot`, with the last failure.
 */
export async function bootWithPorts(
  begin: () => Run,
  makePlan: () => Promise<LaunchPlan>,
  manner: BootManner,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    let plan: LaunchPlan | undefined;
    const run = begin();
    try {
      return await run.boot(async () => {
        plan = await makePlan();
        return plan;
      }, manner);
    } catch (error) {
      const mayTryAgain = error instanceof QemuDiedError && manner.from === undefined && attempt < mostAttempts;
      if (!mayTryAgain || run.isUnwanted || (await plan?.hasLostPort?.()) !== true || run.isUnwanted) throw error;
    }
  }
}
