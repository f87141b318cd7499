import { ErrorCode, ErrorDomain, type qemu, VirError, type Domain as WireDomain } from "../protocol/index.ts";
import type { EventOptions, Gap } from "./event-types.ts";
import type { CallOptions } from "./method-types.ts";
import type { Domain } from "./objects.ts";
import type { RawEvent } from "./session.ts";
import type { SubscriptionSource } from "./subscription.ts";
import { fromWire, type Wrap } from "./values.ts";

/** What QEMU's monitor, or the agent inside the guest, is given with a command. */
export type CommandArguments = Readonly<Record<string, unknown>>;

export interface AgentOptions extends CallOptions {
  /** How long the agent is waited for, in whole seconds. Default: the server's own patience. */
  readonly waitS?: number;
}

/** Those of events that nobody keeps. */
export type MonitorEventOptions = Omit<EventOptions, "since">;

/** Something that a guest's QEMU has told, by QMP's name for it. */
export interface MonitorEvent {
  readonly domain: Domain;
  readonly event: string;
  /** In ms since 1970, with parts. */
  readonly timeMs: number;
  /** What QEMU says of it. */
  readonly details: CommandArguments | undefined;
}

/** A call of QEMU's program, about this domain. */
export type QemuCall = (
  name: "domainMonitorCommand" | "domainAgentCommand",
  args: object,
  options: CallOptions,
) => Promise<{ readonly result: string | null }>;

/** Sends a command of QMP's. Rejects with VirError, internalError with what QEMU says when it refuses. */
export async function monitorCommand(
  call: QemuCall,
  command: string,
  args: CommandArguments | undefined,
  options: CallOptions,
): Promise<unknown> {
  const { result } = await call("domainMonitorCommand", { cmd: commandText(command, args), flags: 0 }, options);
  return returned(command, result);
}

/** As a person types it. */
export async function humanCommand(call: QemuCall, line: string, options: CallOptions): Promise<string> {
  const human = 1;
  return (await call("domainMonitorCommand", { cmd: line, flags: human }, options)).result ?? "";
}

export async function agentCommand(
  call: QemuCall,
  command: string,
  args: CommandArguments | undefined,
  { waitS, ...options }: AgentOptions,
): Promise<unknown> {
  const servers = -1;
  const given = { cmd: commandText(command, args), timeout: waitS ?? servers, flags: 0 };
  return returned(command, (await call("domainAgentCommand", given, options)).result);
}

function commandText(execute: string, args: CommandArguments | undefined): string {
  return JSON.stringify(args === undefined ? { execute } : { execute, arguments: args });
}

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly desc?: unknown };
}

function returned(command: string, text: string | null): unknown {
  const reply = JSON.parse(text ?? "{}") as Reply;
  if (reply.error === undefined) return reply.return;
  const detail = `unable to execute QEMU command '${command}': ${String(reply.error.desc)}`;
  throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
}

const [asExpression, inAnyCase] = [1, 2];

/** Events of monitors by name or by what a regular expression finds; undefined: all. No server keeps them. */
export function monitorEventSource(
  which: string | RegExp | undefined,
  dom: WireDomain | undefined,
  wrap: Wrap,
  { procedures }: typeof qemu,
): SubscriptionSource<MonitorEvent | Gap> {
  const isExpression = which instanceof RegExp;
  const flags = isExpression ? asExpression | (which.ignoreCase ? inAnyCase : 0) : 0;
  const event = isExpression ? which.source : (which ?? null);
  const read = ({ message }: RawEvent): MonitorEvent => {
    const said = fromWire(procedures.domainMonitorEvent.message, message, wrap) as {
      readonly dom: Domain;
      readonly event: string;
      readonly seconds: bigint;
      readonly micros: number;
      readonly details: string | null;
    };
    const details = said.details === null ? undefined : (JSON.parse(said.details) as CommandArguments);
    const timeMs = Number(said.seconds) * 1_000 + said.micros / 1_000;
    return { domain: said.dom, event: said.event, timeMs, details };
  };
  return {
    begin: async (session, push, resumed) => {
      const end = await session.subscribe(
        "monitor",
        { onEvent: (raw) => push(read(raw)) },
        () => session.qemu.connectDomainMonitorEventRegister({ dom: dom ?? null, event, flags }),
        (callbackId, options) => session.qemu.connectDomainMonitorEventDeregister({ callbackId }, options),
      );
      if (resumed !== undefined) push({ name: "gap", cause: resumed.cause, missing: undefined, changes: undefined });
      return end;
    },
  };
}
