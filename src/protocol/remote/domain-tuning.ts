import { int, uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { read, readKnown, writeOrSave } from "./access.ts";
import { Domain, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

/** Memory, and shares and limits of what a domain takes. Getters: `nparams` 0 asks how many parameters there are. */
export const domainTuning = {
  /** In KiB. */
  domainGetMaxMemory: proc(17, { args: { dom: Domain }, ret: { memory: uhyper }, ...readKnown("domain") }),
  /** Sets how much memory it may have, in KiB. */
  domainSetMaxMemory: proc(30, { args: { dom: Domain, memory: uhyper }, acl: "domain:write", priority: true }),
  /** Sets how much memory a running domain has, in KiB. */
  domainSetMemory: proc(31, { args: { dom: Domain, memory: uhyper }, acl: "domain:write" }),
  /** The host's scheduler for it, and how many parameters that has. */
  domainGetSchedulerType: proc(56, { args: { dom: Domain }, ret: { type: string, nparams: int }, ...read("domain") }),
  /** CPU shares and limits. */
  domainGetSchedulerParameters: proc(57, {
    args: { dom: Domain, nparams: int },
    ret: { params: typedParams(16) },
    ...read("domain"),
  }),
  /** Sets CPU shares and limits of a running domain. */
  domainSetSchedulerParameters: proc(58, { args: { dom: Domain, params: typedParams(16) }, acl: "domain:read" }),
  /** Sets limits on the host memory that it takes, in KiB. */
  domainSetMemoryParameters: proc(197, {
    args: { dom: Domain, params: typedParams(16), flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** Limits on the host memory that it takes, in KiB. */
  domainGetMemoryParameters: proc(198, {
    args: { dom: Domain, nparams: int, flags: uint },
    ret: { params: typedParams(16), nparams: int },
    ...read("domain"),
  }),
  /** Sets how much memory it has or may have, in KiB, live or in the definition. */
  domainSetMemoryFlags: proc(204, { args: { dom: Domain, memory: uhyper, flags: uint }, acl: writeOrSave("domain") }),
  /** Sets its weight among others on the host's block devices. */
  domainSetBlkioParameters: proc(205, {
    args: { dom: Domain, params: typedParams(16), flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** Its weight among others on the host's block devices. */
  domainGetBlkioParameters: proc(206, {
    args: { dom: Domain, nparams: int, flags: uint },
    ret: { params: typedParams(16), nparams: int },
    ...read("domain"),
  }),
  /** Sets CPU shares and limits, live or in the definition. */
  domainSetSchedulerParametersFlags: proc(219, {
    args: { dom: Domain, params: typedParams(16), flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** CPU shares and limits, live or in the definition. */
  domainGetSchedulerParametersFlags: proc(223, {
    args: { dom: Domain, nparams: int, flags: uint },
    ret: { params: typedParams(16) },
    ...read("domain"),
  }),
  /** Sets from which NUMA nodes of the host its memory comes. */
  domainSetNumaParameters: proc(254, {
    args: { dom: Domain, params: typedParams(16), flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** From which NUMA nodes of the host its memory comes. */
  domainGetNumaParameters: proc(255, {
    args: { dom: Domain, nparams: int, flags: uint },
    ret: { params: typedParams(16), nparams: int },
    ...read("domain"),
  }),
  /** Sets bandwidth limits of a network interface. */
  domainSetInterfaceParameters: proc(256, {
    args: { dom: Domain, device: string, params: typedParams(16), flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** Bandwidth limits of a network interface. */
  domainGetInterfaceParameters: proc(257, {
    args: { dom: Domain, device: string, nparams: int, flags: uint },
    ret: { params: typedParams(16), nparams: int },
    ...read("domain"),
  }),
  /** How often, in seconds, the guest's balloon reports memory statistics; 0 ends it. */
  domainSetMemoryStatsPeriod: proc(308, {
    args: { dom: Domain, period: int, flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** Which events of the host CPU are counted for it. */
  domainGetPerfEvents: proc(365, {
    args: { dom: Domain, flags: uint },
    ret: { params: typedParams(64) },
    ...read("domain"),
  }),
  /** Sets which events of the host CPU are counted for it. */
  domainSetPerfEvents: proc(366, { args: { dom: Domain, params: typedParams(64), flags: uint }, acl: "domain:write" }),
} as const;
