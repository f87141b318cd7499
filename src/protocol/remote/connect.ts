import { array, int, optional, uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { chars, countedChars, Domain, domainListLimit, string } from "./base.ts";

/** Questions about a hypervisor and its host. */
export const connect = {
  /** The hypervisor's name, as in `virsh version`: "QEMU". */
  connectGetType: proc(3, { ret: { type: string }, acl: "connect:getattr", priority: true, readOnly: "allowed" }),
  /** Of the hypervisor: major * 1,000,000 + minor * 1,000 + release. */
  connectGetVersion: proc(4, { ret: { hvVer: uhyper }, acl: "connect:getattr", priority: true, readOnly: "allowed" }),
  connectGetMaxVcpus: proc(5, {
    args: { type: optional(string) },
    ret: { maxVcpus: int },
    acl: "connect:read",
    priority: true,
    readOnly: "allowed",
  }),
  /** `memory` is in KiB, `mhz` in MHz; sockets per node, cores per socket, threads per core. */
  nodeGetInfo: proc(6, {
    ret: {
      model: chars(32),
      memory: uhyper,
      cpus: int,
      mhz: int,
      nodes: int,
      sockets: int,
      cores: int,
      threads: int,
    },
    acl: "connect:read",
    priority: true,
    readOnly: "allowed",
  }),
  connectGetCapabilities: proc(7, { ret: { capabilities: string }, acl: "connect:read", readOnly: "allowed" }),
  connectGetHostname: proc(59, {
    ret: { hostname: string },
    acl: "connect:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  nodeGetSecurityModel: proc(122, {
    ret: { model: countedChars(257), doi: countedChars(257) },
    acl: "connect:read",
    priority: true,
    readOnly: "allowed",
  }),
  /** `ret` counts the domains; `domains` is empty unless `needResults` is 1. `flags` filter: VIR_CONNECT_LIST_DOMAINS_*. */
  connectListAllDomains: proc(273, {
    args: { needResults: int, flags: uint },
    ret: { domains: array(Domain, domainListLimit), ret: uint },
    acl: "connect:search_domains |filter domain:getattr",
    priority: true,
    readOnly: "allowed",
  }),
} as const;
