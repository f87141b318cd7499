import { array, int, opaque, struct, uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { read, readKnown } from "./access.ts";
import { chars, countedChars, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

const CpuStat = struct("node_get_cpu_stats", { field: string, value: uhyper });
const MemoryStat = struct("node_get_memory_stats", { field: string, value: uhyper });
const cpuMap = opaque(2_048);

/** Questions about the host, and the little that can be set there. */
export const node = {
  /** `memory` is in KiB, `mhz` in MHz; sockets per node, cores per socket, threads per core. */
  nodeGetInfo: proc(6, {
    ret: { model: chars(32), memory: uhyper, cpus: int, mhz: int, nodes: int, sockets: int, cores: int, threads: int },
    ...readKnown("connect"),
  }),
  /** Free memory of the NUMA nodes from `startCell` on, in bytes. */
  nodeGetCellsFreeMemory: proc(101, {
    args: { startCell: int, maxcells: int },
    ret: { cells: array(uhyper, 1_024) },
    ...readKnown("connect"),
  }),
  /** Free memory of the host, in bytes. */
  nodeGetFreeMemory: proc(102, { ret: { freeMem: uhyper }, ...readKnown("connect") }),
  /** The first security model of the host, and its domain of interpretation; empty when there is none. */
  nodeGetSecurityModel: proc(122, {
    ret: { model: countedChars(257), doi: countedChars(257) },
    ...readKnown("connect"),
  }),
  /** Time that a host CPU has spent, in ns by kind; -1 is all CPUs. `nparams` 0 asks how many there are. */
  nodeGetCpuStats: proc(227, {
    args: { cpuNum: int, nparams: int, flags: uint },
    ret: { params: array(CpuStat, 16), nparams: int },
    ...readKnown("connect"),
  }),
  /** Memory of a NUMA node, in KiB by kind; -1 is the whole host. `nparams` 0 asks how many there are. */
  nodeGetMemoryStats: proc(228, {
    args: { nparams: int, cellNum: int, flags: uint },
    ret: { params: array(MemoryStat, 16), nparams: int },
    ...readKnown("connect"),
  }),
  /** Puts the host to sleep, to wake after `duration` seconds. */
  nodeSuspendForDuration: proc(250, {
    args: { target: uint, duration: uhyper, flags: uint },
    acl: "connect:pm_control",
  }),
  /** Tunes how the host shares equal pages (KSM). */
  nodeSetMemoryParameters: proc(288, { args: { params: typedParams(64), flags: uint }, acl: "connect:write" }),
  /** How the host shares equal pages (KSM). `nparams` 0 asks how many there are. */
  nodeGetMemoryParameters: proc(289, {
    args: { nparams: int, flags: uint },
    ret: { params: typedParams(64), nparams: int },
    ...read("connect"),
  }),
  /** Which host CPUs exist and are online; `ret` is the length of the map in CPUs. */
  nodeGetCpuMap: proc(293, {
    args: { needMap: int, needOnline: int, flags: uint },
    ret: { cpumap: cpuMap, online: uint, ret: int },
    ...read("connect"),
  }),
  /** Free pages of these sizes (KiB) in each of these NUMA nodes: one count for each pair, node by node. */
  nodeGetFreePages: proc(340, {
    args: { pages: array(uint, 1_024), startCell: int, cellCount: uint, flags: uint },
    ret: { counts: array(uhyper, 1_024) },
    ...readKnown("connect"),
  }),
  /** Adds to, or sets, the pool of huge pages of these sizes (KiB) in these NUMA nodes. */
  nodeAllocPages: proc(347, {
    args: {
      pageSizes: array(uint, 1_024),
      pageCounts: array(uhyper, 1_024),
      startCell: int,
      cellCount: uint,
      flags: uint,
    },
    ret: { ret: int },
    acl: "connect:write",
  }),
  /** What the host offers for AMD's encrypted guests. `nparams` 0 asks how many there are. */
  nodeGetSevInfo: proc(395, {
    args: { nparams: int, flags: uint },
    ret: { params: typedParams(64), nparams: int },
    acl: "connect:read",
  }),
} as const;
