import type { Definition } from "../../model/index.ts";
import type { JsonObject, Monitor } from "../../qmp/index.ts";
import { AgentLink, agentChannel, withChannelState } from "./agent-link.ts";
import type { RunSurroundings } from "./run-surroundings.ts";

/** virConnectDomainEventAgentLifecycleState, and the reason that the guest's channel has told it. */
const agentStates = { connected: 1, disconnected: 2, byChannel: 2 };

/** Whose guest may have an agent. */
export interface AgentOwner {
  readonly definition: () => Definition;
  describe(definition: Definition): void;
  /** Tells that the agent has come or gone. */
  tell(state: number, reason: number): void;
}

/**
 * The agent of one run's guest, and the channels that come and go with it.
 *
 *     unlinked -> linked -> closed
 */
export class RunAgent {
  readonly #around: RunSurroundings;
  readonly #owner: AgentOwner;
  #link: AgentLink | undefined;

  constructor(around: RunSurroundings, owner: AgentOwner) {
    this.#around = around;
    this.#owner = owner;
  }

  /** Undefined where the guest has no channel for one. */
  get link(): AgentLink | undefined {
    return this.#link;
  }

  open(): void {
    const { loop, host } = this.#around;
    const path = agentChannel(this.#owner.definition())?.path;
    if (path !== undefined) this.#link = new AgentLink(loop, () => host.connect(path));
  }

  close(): void {
    this.#link?.close();
  }

  onChannel(id: string, isOpen: boolean): void {
    const { definition: now } = this.#owner;
    const definition = withChannelState(now(), id, isOpen);
    if (definition !== undefined) this.#owner.describe(definition);
    if (agentChannel(now())?.id !== id || this.#link === undefined) return;
    try {
      this.#link.onChannel(isOpen);
    } catch (error) {
      this.#around.report(error);
    }
    if (definition === undefined) return;
    this.#owner.tell(isOpen ? agentStates.connected : agentStates.disconnected, agentStates.byChannel);
  }

  /** The agent that was there before us has said so to somebody else. */
  async find(monitor: Monitor): Promise<void> {
    const id = agentChannel(this.#owner.definition())?.id;
    if (id === undefined) return;
    const backends = (await monitor.execute("query-chardev")) as readonly JsonObject[];
    const backend = backends.find(({ label }) => label === `char${id}`);
    if (backend !== undefined) this.onChannel(id, backend["frontend-open"] === true);
  }
}
