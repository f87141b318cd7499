import { array, int, optional, struct, uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { lookup, read, readKnown, search } from "./access.ts";
import { Domain, listLimit, names, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

const DomainStats = struct("domain_stats_record", { dom: Domain, params: typedParams(262_144) });

/** Questions about a hypervisor, and about all its domains at once. */
export const connect = {
  /** The hypervisor's name, as in `virsh version`: "QEMU". */
  connectGetType: proc(3, { ret: { type: string }, ...lookup("connect") }),
  /** Of the hypervisor: major * 1,000,000 + minor * 1,000 + release. */
  connectGetVersion: proc(4, { ret: { hvVer: uhyper }, ...lookup("connect") }),
  /** Most virtual CPUs that a domain of this type may have. */
  connectGetMaxVcpus: proc(5, { args: { type: optional(string) }, ret: { maxVcpus: int }, ...readKnown("connect") }),
  /** Host and hypervisor as XML: CPU, topology, security models, guests that can run. */
  connectGetCapabilities: proc(7, { ret: { capabilities: string }, ...read("connect") }),
  /** Names of the domains that do not run, at most `maxnames`. */
  connectListDefinedDomains: proc(21, { args: { maxnames: int }, ret: { names }, ...search("domains", "domain") }),
  /** How many domains are defined and do not run. */
  connectNumOfDefinedDomains: proc(25, { ret: { num: int }, ...search("domains", "domain") }),
  /** Ids of the domains that run, at most `maxids`. */
  connectListDomains: proc(37, {
    args: { maxids: int },
    ret: { ids: array(int, listLimit) },
    ...search("domains", "domain"),
  }),
  /** How many domains run. */
  connectNumOfDomains: proc(51, { ret: { num: int }, ...search("domains", "domain") }),
  /** The name of the host that the hypervisor runs on. */
  connectGetHostname: proc(59, { ret: { hostname: string }, ...lookup("connect") }),
  /** Turns a hypervisor's own configuration into a definition: QEMU's command line, Xen's xl file. */
  connectDomainXmlFromNative: proc(135, {
    args: { nativeFormat: string, nativeConfig: string, flags: uint },
    ret: { domainXml: string },
    acl: "connect:write",
  }),
  /** Turns a definition into the hypervisor's own configuration. */
  connectDomainXmlToNative: proc(136, {
    args: { nativeFormat: string, domainXml: string, flags: uint },
    ret: { nativeConfig: string },
    acl: "connect:write",
  }),
  /** Compares a CPU, as XML, with the host's: VIR_CPU_COMPARE_*. */
  connectCompareCpu: proc(158, { args: { xml: string, flags: uint }, ret: { result: int }, ...readKnown("connect") }),
  /** The best CPU that all of these can run, as XML. */
  connectBaselineCpu: proc(162, {
    args: { xmlCpus: array(string, 256), flags: uint },
    ret: { cpu: string },
    ...read("connect"),
  }),
  /** What the host's firmware says of the machine (SMBIOS), as XML. */
  connectGetSysinfo: proc(203, { args: { flags: uint }, ret: { sysinfo: string }, ...readKnown("connect") }),
  /**
   * `ret` counts the domains; `domains` is empty unless `needResults` is 1. `flags` filter: VIR_CONNECT_LIST_DOMAINS_*.
   */
  connectListAllDomains: proc(273, {
    args: { needResults: int, flags: uint },
    ret: { domains: array(Domain, listLimit), ret: uint },
    ...search("domains", "domain"),
  }),
  /** Names of the CPU models known for an architecture; `needResults` 0 only counts them. */
  connectGetCpuModelNames: proc(312, {
    args: { arch: string, needResults: int, flags: uint },
    ret: { models: array(string, 8_192), ret: int },
    ...read("connect"),
  }),
  /** What a domain of this emulator, architecture, machine and type may have, as XML; null takes the default. */
  connectGetDomainCapabilities: proc(342, {
    args: {
      emulatorbin: optional(string),
      arch: optional(string),
      machine: optional(string),
      virttype: optional(string),
      flags: uint,
    },
    ret: { capabilities: string },
    acl: "connect:write",
  }),
  /** Statistics of these domains, or of all if none is named. `stats` chooses groups; 0 means all. */
  connectGetAllDomainStats: proc(344, {
    args: { doms: array(Domain, listLimit), stats: uint, flags: uint },
    ret: { retStats: array(DomainStats, listLimit) },
    acl: "connect:search_domains |filter domain:read",
    readOnly: "allowed",
  }),
  /** Compares a CPU with what this hypervisor can give on this host: VIR_CPU_COMPARE_*. */
  connectCompareHypervisorCpu: proc(393, {
    args: {
      emulator: optional(string),
      arch: optional(string),
      machine: optional(string),
      virttype: optional(string),
      xmlCpu: string,
      flags: uint,
    },
    ret: { result: int },
    acl: "connect:write",
  }),
  /** The best CPU that all of these and the hypervisor can give, as XML. */
  connectBaselineHypervisorCpu: proc(394, {
    args: {
      emulator: optional(string),
      arch: optional(string),
      machine: optional(string),
      virttype: optional(string),
      xmlCpus: array(string, 256),
      flags: uint,
    },
    ret: { cpu: string },
    acl: "connect:write",
  }),
} as const;
