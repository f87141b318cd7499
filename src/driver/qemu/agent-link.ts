import type { Loop, Transport } from "../../event/index.ts";
import type { Definition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { Agent, AgentUnresponsiveError, CommandError, type JsonObject, MonitorClosedError } from "../../qmp/index.ts";
import type { Element } from "../../xml/index.ts";
import { noAgent } from "./errors.ts";

/** The channel that the agent of a guest listens on. */
export interface AgentChannel {
  /** Of the device, as QEMU's events name it. */
  readonly id: string;
  readonly path: string;
}

/** By which the guest's agent finds its channel. */
const channelName = "org.qemu.guest_agent.0";

/** Undefined when the definition has none that we could reach. */
export function agentChannel(definition: Definition): AgentChannel | undefined {
  for (const { element, id } of channels(definition)) {
    const path = element.first("source")?.attribute("path");
    if (element.first("target")?.attribute("name") !== channelName) continue;
    if (element.attribute("type") === "unix" && path !== undefined) return { id, path };
  }
  return undefined;
}

/** The definition with what the guest has done to a channel; undefined when it has no such channel, or knew that. */
export function withChannelState(definition: Definition, id: string, isOpen: boolean): Definition | undefined {
  const state = isOpen ? "connected" : "disconnected";
  const place = channels(definition).findIndex((channel) => channel.id === id);
  const target = channels(definition)[place]?.element.first("target");
  if (target === undefined || target.attribute("state") === state) return undefined;
  return definition.with((root) => {
    root.first("devices")?.all("channel")[place]?.first("target")?.setAttribute("state", state);
  });
}

function channels({ root }: Definition): { readonly element: Element; readonly id: string }[] {
  return (root.first("devices")?.all("channel") ?? []).map((element, index) => ({
    element,
    id: element.first("alias")?.attribute("name") ?? `channel${index}`,
  }));
}

/** How long the agent may take when nobody has said, in milliseconds. */
const commandMs = 5_000;

/**
 * The way to the agent of one run. It is gone as often as the guest's agent is, and there again.
 *
 *     apart -> connected -> apart ... -> closed
 */
export class AgentLink {
  /** Of `execute` without one, in milliseconds. */
  patienceMs = commandMs;
  readonly #loop: Loop;
  readonly #connect: () => Transport;
  #agent: Agent | undefined;
  #isClosed = false;

  constructor(loop: Loop, connect: () => Transport) {
    this.#loop = loop;
    this.#connect = connect;
  }

  get isConnected(): boolean {
    return this.#agent !== undefined;
  }

  /** The guest's agent has come or gone. Throws what connecting to its channel throws. */
  onChannel(isOpen: boolean): void {
    if (!isOpen) return this.#leave();
    if (this.#agent !== undefined || this.#isClosed) return;
    const agent = new Agent(this.#loop, this.#connect(), {
      onClose: () => {
        if (this.#agent === agent) this.#agent = undefined;
      },
    });
    this.#agent = agent;
    agent.open();
  }

  /** Rejects with VirError: not connected, not answering in time, refused. `mayVanish`: as Agent.execute. */
  async execute(
    command: string,
    args: JsonObject = {},
    {
      timeoutMs = this.patienceMs,
      mayVanish = false,
    }: { readonly timeoutMs?: number; readonly mayVanish?: boolean } = {},
  ): Promise<unknown> {
    if (this.#agent === undefined) throw unresponsive("QEMU guest agent is not connected");
    try {
      return await this.#agent.execute(command, args, { timeoutMs, mayVanish });
    } catch (error) {
      if (error instanceof AgentUnresponsiveError || error instanceof MonitorClosedError)
        throw unresponsive(error.message, error);
      if (!(error instanceof CommandError)) throw error;
      const detail = `unable to execute QEMU agent command '${command}': ${error.message}`;
      throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail, error);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#leave();
  }

  #leave(): void {
    const agent = this.#agent;
    this.#agent = undefined;
    agent?.close();
  }
}

/** The link of a run that has one. Throws VirError. */
export function theAgent(link: AgentLink | undefined): AgentLink {
  if (link === undefined) throw noAgent();
  return link;
}

function unresponsive(detail: string, cause?: unknown): VirError {
  return VirError.of(ErrorCode.agentUnresponsive, ErrorDomain.qemu, detail, cause);
}
