import { hyper, int, optional, uint } from "../xdr/index.ts";
import { event, type Program, proc } from "./procedure.ts";
import { Domain, string } from "./remote/base.ts";

const procedures = {
  /** Sends a command to QEMU's monitor and gives its answer. Bit 0 of `flags`: in the monitor's language for people. */
  domainMonitorCommand: proc(1, {
    args: { dom: Domain, cmd: string, flags: uint },
    ret: { result: string },
    acl: "domain:write",
    api: "virDomainQemuMonitorCommand",
  }),
  /** Takes over a QEMU process that somebody else has started. */
  domainAttach: proc(2, {
    args: { pidValue: uint, flags: uint },
    ret: { dom: Domain },
    acl: "domain:start domain:write",
    api: "virDomainQemuAttach",
  }),
  /** Sends a command to the guest's agent. `timeout` is in seconds: -2 for ever, -1 the default, 0 does not wait. */
  domainAgentCommand: proc(3, {
    args: { dom: Domain, cmd: string, timeout: int, flags: uint },
    ret: { result: optional(string) },
    acl: "domain:write",
    api: "virDomainQemuAgentCommand",
  }),
  /** Subscribes to events of the monitor by name, or by a pattern: bit 0 of `flags`, and bit 1 for either case. */
  connectDomainMonitorEventRegister: proc(4, {
    args: { dom: optional(Domain), event: optional(string), flags: uint },
    ret: { callbackId: int },
    acl: "connect:search_domains connect:write |filter domain:getattr",
    priority: true,
    api: "virConnectDomainQemuMonitorEventRegister",
  }),
  /** Ends a subscription. */
  connectDomainMonitorEventDeregister: proc(5, {
    args: { callbackId: int },
    acl: "connect:write",
    priority: true,
    api: "virConnectDomainQemuMonitorEventDeregister",
  }),
  /** QEMU has reported something; `details` are its JSON. */
  domainMonitorEvent: event(6, {
    callbackId: int,
    dom: Domain,
    event: string,
    seconds: hyper,
    micros: uint,
    details: optional(string),
  }),
  /** Like `domainMonitorCommand`; the answer may pass descriptors. */
  domainMonitorCommandWithFiles: proc(7, {
    args: { dom: Domain, cmd: string, flags: uint },
    ret: { result: string },
    fds: "reply",
    acl: "domain:write",
    api: "virDomainQemuMonitorCommandWithFiles",
  }),
} as const;

const { connectDomainMonitorEventRegister, connectDomainMonitorEventDeregister, ...others } = procedures;

/** Subscriptions, which are the daemon's to keep. */
export const monitorEventProcedures = { connectDomainMonitorEventRegister, connectDomainMonitorEventDeregister };

/** What a hypervisor answers. */
export const ownMonitorProcedures: Omit<typeof procedures, keyof typeof monitorEventProcedures> = others;

/** What only QEMU has. It needs an open connection of the REMOTE program beside. */
export const qemu = { name: "QEMU", number: 0x2000_8087, version: 1, procedures } as const satisfies Program;
