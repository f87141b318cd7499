import { ErrorCode, ErrorDomain, type Program, qemu, VirError, type Domain as WireDomain } from "../protocol/index.ts";
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

/** What a command of the monitor returns, and the descriptors that came with it, which are the caller's to close. */
export interface MonitorFiles {
  readonly value: unknown;
  readonly fds: readonly number[];
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

/** A call of a program beside the main one, about this domain. What passes descriptors resolves with `fds` beside `ret`. */
export type BesideCall = (program: Program, name: string, args: object, options: CallOptions) => Promise<unknown>;

/** Sends text to the monitor as it is. Bit 0 of `flags`: in its language for people. */
export async function monitorText(call: BesideCall, cmd: string, flags: number, options: CallOptions): Promise<string> {
  return textOf(await call(qemu, "domainMonitorCommand", { cmd, flags }, options));
}

/** Sends text to the agent as it is. `timeout` in s; below 0 as in libvirt. */
export async function agentText(call: BesideCall, cmd: string, { waitS, ...options }: AgentOptions): Promise<string> {
  const servers = -1;
  return textOf(await call(qemu, "domainAgentCommand", { cmd, timeout: waitS ?? servers, flags: 0 }, options));
}

function textOf(ret: unknown): string {
  return (ret as { readonly result: string | null }).result ?? "";
}

/** Sends a command of QMP's. Rejects with VirError, internalError with what QEMU says when it refuses. */
export async function monitorCommand(
  call: BesideCall,
  command: string,
  args: CommandArguments | undefined,
  options: CallOptions,
): Promise<unknown> {
  return returned(command, await monitorText(call, commandText(command, args), 0, options));
}

/** The same, for a command whose answer passes descriptors. */
export async function monitorFiles(
  call: BesideCall,
  command: string,
  args: CommandArguments | undefined,
  options: CallOptions,
): Promise<MonitorFiles> {
  const given = { cmd: commandText(command, args), flags: 0 };
  const answer = await call(qemu, "domainMonitorCommandWithFiles", given, options);
  const { ret, fds } = answer as { readonly ret: unknown; readonly fds: readonly number[] };
  return { value: returned(command, textOf(ret)), fds };
}

export async function agentCommand(
  call: BesideCall,
  command: string,
  args: CommandArguments | undefined,
  options: AgentOptions,
): Promise<unknown> {
  return returned(command, await agentText(call, commandText(command, args), options));
}

function commandText(execute: string, args: CommandArguments | undefined): string {
  return JSON.stringify(args === undefined ? { execute } : { execute, arguments: args });
}

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly desc?: unknown };
}

function returned(command: string, text: string): unknown {
  const reply = JSON.parse(text === "" ? "{}" : text) as Reply;
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
): SubscriptionSource<MonitorEvent | Gap> {
  const isExpression = which instanceof RegExp;
  const flags = isExpression ? asExpression | (which.ignoreCase ? inAnyCase : 0) : 0;
  const event = isExpression ? which.source : (which ?? null);
  const read = ({ message }: RawEvent): MonitorEvent => {
    const said = fromWire(qemu.procedures.domainMonitorEvent.message, message, wrap) as {
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
