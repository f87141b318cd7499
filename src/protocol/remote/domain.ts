import { array, int, uchar, uhyper, uint, ushort } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { countedChars, Domain, string, uuid } from "./base.ts";

/** What is asked of one domain, or makes one. */
export const domain = {
  domainCreate: proc(9, { args: { dom: Domain }, acl: "domain:start" }),
  /** Starts a domain that is forgotten when it ends. */
  domainCreateXml: proc(10, {
    args: { xmlDesc: string, flags: uint },
    ret: { dom: Domain },
    acl: "domain:write domain:start",
  }),
  domainDefineXml: proc(11, {
    args: { xml: string },
    ret: { dom: Domain },
    acl: "domain:write domain:save",
    priority: true,
  }),
  domainDestroy: proc(12, { args: { dom: Domain }, acl: "domain:stop", priority: true }),
  domainGetXmlDesc: proc(14, {
    args: { dom: Domain, flags: uint },
    ret: { xml: string },
    acl: "domain:read domain:read_secure:VIR_DOMAIN_XML_SECURE domain:read_secure:VIR_DOMAIN_XML_MIGRATABLE",
    readOnly: { unlessFlags: 1 | 8, detail: "virDomainGetXMLDesc with secure flag" },
  }),
  domainGetAutostart: proc(15, {
    args: { dom: Domain },
    ret: { autostart: int },
    acl: "domain:read",
    priority: true,
    readOnly: "allowed",
  }),
  /** `maxMem` and `memory` are in KiB, `cpuTime` in ns. */
  domainGetInfo: proc(16, {
    args: { dom: Domain },
    ret: { state: uchar, maxMem: uhyper, memory: uhyper, nrVirtCpu: ushort, cpuTime: uhyper },
    acl: "domain:read",
    readOnly: "allowed",
  }),
  /** In KiB. */
  domainGetMaxMemory: proc(17, {
    args: { dom: Domain },
    ret: { memory: uhyper },
    acl: "domain:read",
    priority: true,
    readOnly: "allowed",
  }),
  domainGetMaxVcpus: proc(18, {
    args: { dom: Domain },
    ret: { num: int },
    acl: "domain:read",
    priority: true,
    readOnly: "allowed",
  }),
  domainGetOsType: proc(19, {
    args: { dom: Domain },
    ret: { type: string },
    acl: "domain:read",
    priority: true,
    readOnly: "allowed",
  }),
  /** Looks up a running domain by its id. */
  domainLookupById: proc(22, {
    args: { id: int },
    ret: { dom: Domain },
    acl: "domain:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  domainLookupByName: proc(23, {
    args: { name: string },
    ret: { dom: Domain },
    acl: "domain:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  domainLookupByUuid: proc(24, {
    args: { uuid },
    ret: { dom: Domain },
    acl: "domain:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  domainResume: proc(28, { args: { dom: Domain }, acl: "domain:suspend" }),
  /** Asks the guest to end; it may take its time, or not do it. */
  domainShutdown: proc(33, { args: { dom: Domain }, acl: "domain:init_control" }),
  domainSuspend: proc(34, { args: { dom: Domain }, acl: "domain:suspend" }),
  domainUndefine: proc(35, { args: { dom: Domain }, acl: "domain:delete", priority: true }),
  domainGetSecurityLabel: proc(121, {
    args: { dom: Domain },
    ret: { label: countedChars(4097), enforcing: int },
    acl: "domain:read",
    priority: true,
    readOnly: "allowed",
  }),
  domainIsActive: proc(150, {
    args: { dom: Domain },
    ret: { active: int },
    acl: "domain:read",
    priority: true,
    readOnly: "allowed",
  }),
  domainIsPersistent: proc(151, {
    args: { dom: Domain },
    ret: { persistent: int },
    acl: "domain:read",
    priority: true,
    readOnly: "allowed",
  }),
  domainHasManagedSaveImage: proc(183, {
    args: { dom: Domain, flags: uint },
    ret: { result: int },
    acl: "domain:read",
    readOnly: "allowed",
  }),
  domainSnapshotNum: proc(187, {
    args: { dom: Domain, flags: uint },
    ret: { num: int },
    acl: "domain:read",
    priority: true,
    readOnly: "allowed",
  }),
  domainCreateWithFlags: proc(196, { args: { dom: Domain, flags: uint }, ret: { dom: Domain }, acl: "domain:start" }),
  /** Bit 3 of `flags` asks the guest's agent, which is more than reading. */
  domainGetVcpusFlags: proc(200, {
    args: { dom: Domain, flags: uint },
    ret: { num: int },
    acl: "domain:read domain:write:VIR_DOMAIN_VCPU_GUEST",
    readOnly: { unlessFlags: 8 },
  }),
  /** Whether the definition of a running domain has been changed since it was started. */
  domainIsUpdated: proc(202, {
    args: { dom: Domain },
    ret: { updated: int },
    acl: "domain:read",
    priority: true,
    readOnly: "allowed",
  }),
  domainGetState: proc(212, {
    args: { dom: Domain, flags: uint },
    ret: { state: int, reason: int },
    acl: "domain:read",
    priority: true,
    readOnly: "allowed",
  }),
  domainUndefineFlags: proc(231, { args: { dom: Domain, flags: uint }, acl: "domain:delete", priority: true }),
  domainDestroyFlags: proc(234, { args: { dom: Domain, flags: uint }, acl: "domain:stop", priority: true }),
  domainShutdownFlags: proc(258, {
    args: { dom: Domain, flags: uint },
    acl: "domain:init_control domain:write:VIR_DOMAIN_SHUTDOWN_GUEST_AGENT",
  }),
  domainDefineXmlFlags: proc(350, {
    args: { xml: string, flags: uint },
    ret: { dom: Domain },
    acl: "domain:write domain:save",
    priority: true,
  }),
  /** Notes about the domain for a person: taints, deprecations. */
  domainGetMessages: proc(426, {
    args: { dom: Domain, flags: uint },
    ret: { msgs: array(string, 2048) },
    acl: "domain:read",
    readOnly: "allowed",
  }),
} as const;
