import { type Domain, type Snapshot, VirError } from "../../open/index.ts";
import { type Given, PlainFailure } from "./verb.ts";

/** The snapshot that `option` names, or the current one with --current. Throws PlainFailure. */
export async function findSnapshot(domain: Domain, given: Given, option = "snapshotname"): Promise<Snapshot> {
  const name = given.text(option);
  if (name !== undefined && given.has("current")) {
    throw new PlainFailure(`--${option} and --current are mutually exclusive`);
  }
  if (name === undefined && !given.has("current")) throw new PlainFailure(`--${option} or --current is required`);
  try {
    return await (name === undefined ? domain.snapshotCurrent() : domain.snapshotLookupByName(name));
  } catch (error) {
    if (!(error instanceof VirError)) throw error;
    throw new PlainFailure(error.message, { cause: error });
  }
}
