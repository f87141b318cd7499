import { uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { Domain, string } from "./base.ts";

/** Starting, pausing and ending a domain. */
export const domainLifecycle = {
  /** Starts a defined domain. */
  domainCreate: proc(9, { args: { dom: Domain }, acl: "domain:start" }),
  /** Starts a domain that is forgotten when it ends. */
  domainCreateXml: proc(10, {
    args: { xmlDesc: string, flags: uint },
    ret: { dom: Domain },
    acl: "domain:write domain:start",
  }),
  /** Ends it at once, as by pulling the plug. */
  domainDestroy: proc(12, { args: { dom: Domain }, acl: "domain:stop", priority: true }),
  /** Asks the guest to reboot; it may take its time, or not do it. */
  domainReboot: proc(27, {
    args: { dom: Domain, flags: uint },
    acl: "domain:init_control domain:write:VIR_DOMAIN_REBOOT_GUEST_AGENT",
  }),
  /** Lets a paused domain run on. */
  domainResume: proc(28, { args: { dom: Domain }, acl: "domain:suspend" }),
  /** Asks the guest to end; it may take its time, or not do it. */
  domainShutdown: proc(33, { args: { dom: Domain }, acl: "domain:init_control" }),
  /** Pauses it; its memory stays where it is. */
  domainSuspend: proc(34, { args: { dom: Domain }, acl: "domain:suspend" }),
  /** Starts a defined domain: paused, without its saved state and so on, as `flags` say. */
  domainCreateWithFlags: proc(196, { args: { dom: Domain, flags: uint }, ret: { dom: Domain }, acl: "domain:start" }),
  /** Ends it at once; bit 0 of `flags` gives the guest's process time to flush its disks first. */
  domainDestroyFlags: proc(234, { args: { dom: Domain, flags: uint }, acl: "domain:stop", priority: true }),
  /** Resets it at once, as by the button. */
  domainReset: proc(245, { args: { dom: Domain, flags: uint }, acl: "domain:reset" }),
  /** Asks the guest to end, by the ways that `flags` allow: ACPI, agent, signal, init. */
  domainShutdownFlags: proc(258, {
    args: { dom: Domain, flags: uint },
    acl: "domain:init_control domain:write:VIR_DOMAIN_SHUTDOWN_GUEST_AGENT",
  }),
  /** Asks the guest, through its agent, to go to sleep. `duration` is in seconds; only 0 is in use. */
  domainPmSuspendForDuration: proc(261, {
    args: { dom: Domain, target: uint, duration: uhyper, flags: uint },
    acl: "domain:pm_control",
  }),
  /** Wakes a guest that has gone to sleep. */
  domainPmWakeup: proc(267, { args: { dom: Domain, flags: uint }, acl: "domain:pm_control" }),
  /** Like `domainCreateXml`; the descriptors become the guest's init process's, from 3 on. */
  domainCreateXmlWithFiles: proc(309, {
    args: { xmlDesc: string, flags: uint },
    ret: { dom: Domain },
    fds: "call",
    acl: "domain:write domain:start",
  }),
  /** Like `domainCreateWithFlags`; the descriptors become the guest's init process's, from 3 on. */
  domainCreateWithFiles: proc(310, {
    args: { dom: Domain, flags: uint },
    ret: { dom: Domain },
    fds: "call",
    acl: "domain:start",
  }),
  /** What is to happen when the guest powers off, reboots or crashes. */
  domainSetLifecycleAction: proc(390, {
    args: { dom: Domain, type: uint, action: uint, flags: uint },
    acl: "domain:write",
  }),
  /** Lends open files to the domain, under a name by which its definition refers to them. */
  domainFdAssociate: proc(443, { args: { dom: Domain, name: string, flags: uint }, fds: "call", acl: "domain:write" }),
} as const;
