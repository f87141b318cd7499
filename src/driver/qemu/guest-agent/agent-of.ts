import type { JsonObject } from "../../../qmp/index.ts";
import { noAgent } from "../errors.ts";
import type { Run } from "../run.ts";

/** What answers inside a guest. */
export interface GuestAgent {
  /** Of `execute` without one, in milliseconds. */
  patienceMs: number;
  /** Rejects with VirError: not connected, not answering in time, refused. */
  execute(command: string, args?: JsonObject, options?: { readonly timeoutMs?: number }): Promise<unknown>;
}

/** The agent of a run. Throws VirError where there is none. */
export type AgentOf = (run: Run) => GuestAgent;

/** No guest has a connection with its agent yet. */
export const nobody: AgentOf = () => {
  throw noAgent();
};
