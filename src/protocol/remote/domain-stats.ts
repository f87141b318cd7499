import { array, hyper, int, opaque, struct, uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { read, readKnown } from "./access.ts";
import { Domain, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

const MemoryStat = struct("domain_memory_stat", { tag: int, val: uhyper });

/** Counters of a domain since its start. */
export const domainStats = {
  /** Reads and writes of a disk; -1 where it is not known. */
  domainBlockStats: proc(64, {
    args: { dom: Domain, path: string },
    ret: { rdReq: hyper, rdBytes: hyper, wrReq: hyper, wrBytes: hyper, errs: hyper },
    ...read("domain"),
  }),
  /** Traffic of a network interface; -1 where it is not known. */
  domainInterfaceStats: proc(65, {
    args: { dom: Domain, device: string },
    ret: {
      rxBytes: hyper,
      rxPackets: hyper,
      rxErrs: hyper,
      rxDrop: hyper,
      txBytes: hyper,
      txPackets: hyper,
      txErrs: hyper,
      txDrop: hyper,
    },
    ...readKnown("domain"),
  }),
  /** Reads the guest's memory, at virtual or physical addresses. */
  domainMemoryPeek: proc(104, {
    args: { dom: Domain, offset: uhyper, size: uint, flags: uint },
    ret: { buffer: opaque(4_194_304) },
    acl: "domain:mem_read",
  }),
  /** Memory as the guest's balloon reports it: VIR_DOMAIN_MEMORY_STAT_*, most in KiB. */
  domainMemoryStats: proc(159, {
    args: { dom: Domain, maxStats: uint, flags: uint },
    ret: { stats: array(MemoryStat, 1_024) },
    ...read("domain"),
  }),
  /** Counters of a disk by name. `nparams` 0 asks how many there are. */
  domainBlockStatsFlags: proc(243, {
    args: { dom: Domain, path: string, nparams: int, flags: uint },
    ret: { params: typedParams(16), nparams: int },
    ...read("domain"),
  }),
  /**
   * CPU time in ns, of each host CPU from `startCpu` on; -1 is the sum. `nparams` 0 asks how many parameters, `ncpus` 0
   * how many CPUs there are.
   */
  domainGetCpuStats: proc(262, {
    args: { dom: Domain, nparams: uint, startCpu: int, ncpus: uint, flags: uint },
    ret: { params: typedParams(2_048), nparams: int },
    ...read("domain"),
  }),
  /** Measures for so many seconds how fast the guest changes its memory; the result is among its statistics. */
  domainStartDirtyRateCalc: proc(427, { args: { dom: Domain, seconds: int, flags: uint }, acl: "domain:write" }),
} as const;
