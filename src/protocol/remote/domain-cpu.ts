import { array, int, opaque, struct, uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { read, readKnown, writeOrSave } from "./access.ts";
import { Domain, listLimit, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

/** A bit set, first host CPU in the lowest bit of the first byte; `cpuMaps` are several in a row. */
const cpuMap = opaque(2_048);
const cpuMaps = opaque(8_388_608);

const VcpuInfo = struct("vcpu_info", { number: uint, state: int, cpuTime: uhyper, cpu: int });
const IothreadInfo = struct("domain_iothread_info", { iothreadId: uint, cpumap: cpuMap });

/** Virtual CPUs and I/O threads: how many, and on which host CPUs. */
export const domainCpu = {
  /** Most virtual CPUs that it may have. */
  domainGetMaxVcpus: proc(18, { args: { dom: Domain }, ret: { num: int }, ...readKnown("domain") }),
  /** What each virtual CPU does, and where it may run: `cpumaps` are `maplen` bytes each. */
  domainGetVcpus: proc(20, {
    args: { dom: Domain, maxinfo: int, maplen: int },
    ret: { info: array(VcpuInfo, listLimit), cpumaps: cpuMaps },
    ...readKnown("domain"),
  }),
  /** Sets on which host CPUs a virtual CPU of a running domain may run. */
  domainPinVcpu: proc(26, { args: { dom: Domain, vcpu: uint, cpumap: cpuMap }, acl: "domain:write" }),
  /** Sets how many virtual CPUs a running domain has. */
  domainSetVcpus: proc(32, { args: { dom: Domain, nvcpus: uint }, acl: "domain:write" }),
  /** Sets how many virtual CPUs it has or may have, live or in the definition. */
  domainSetVcpusFlags: proc(199, {
    args: { dom: Domain, nvcpus: uint, flags: uint },
    acl: `${writeOrSave("domain")} domain:write:VIR_DOMAIN_VCPU_GUEST`,
  }),
  /** How many virtual CPUs it has or may have. Bit 3 of `flags` asks the guest's agent, which is more than reading. */
  domainGetVcpusFlags: proc(200, {
    args: { dom: Domain, flags: uint },
    ret: { num: int },
    acl: "domain:read domain:write:VIR_DOMAIN_VCPU_GUEST",
    readOnly: { unlessFlags: 8 },
  }),
  /** Sets on which host CPUs a virtual CPU may run, live or in the definition. */
  domainPinVcpuFlags: proc(225, {
    args: { dom: Domain, vcpu: uint, cpumap: cpuMap, flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** On which host CPUs each virtual CPU may run: `num` maps of `maplen` bytes. */
  domainGetVcpuPinInfo: proc(230, {
    args: { dom: Domain, ncpumaps: int, maplen: int, flags: uint },
    ret: { cpumaps: cpuMaps, num: int },
    ...read("domain"),
  }),
  /** Sets on which host CPUs the hypervisor's own threads for it may run. */
  domainPinEmulator: proc(279, { args: { dom: Domain, cpumap: cpuMap, flags: uint }, acl: writeOrSave("domain") }),
  /** On which host CPUs the hypervisor's own threads for it may run; `ret` is 0 when nothing is set. */
  domainGetEmulatorPinInfo: proc(280, {
    args: { dom: Domain, maplen: int, flags: uint },
    ret: { cpumaps: cpuMaps, ret: int },
    ...read("domain"),
  }),
  /** Its I/O threads, and where they may run. */
  domainGetIothreadInfo: proc(351, {
    args: { dom: Domain, flags: uint },
    ret: { info: array(IothreadInfo, listLimit), ret: uint },
    ...read("domain"),
  }),
  /** Sets on which host CPUs an I/O thread may run. */
  domainPinIothread: proc(352, {
    args: { dom: Domain, iothreadsId: uint, cpumap: cpuMap, flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** Adds an I/O thread. */
  domainAddIothread: proc(355, { args: { dom: Domain, iothreadId: uint, flags: uint }, acl: writeOrSave("domain") }),
  /** Removes an I/O thread. */
  domainDelIothread: proc(356, { args: { dom: Domain, iothreadId: uint, flags: uint }, acl: writeOrSave("domain") }),
  /** Switches virtual CPUs on or off, one by one; `cpumap` is a list as text: "1,3-5". */
  domainSetVcpu: proc(384, {
    args: { dom: Domain, cpumap: string, state: int, flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** Tunes how long an I/O thread polls before it sleeps. */
  domainSetIothreadParams: proc(402, {
    args: { dom: Domain, iothreadId: uint, params: typedParams(64), flags: uint },
    acl: writeOrSave("domain"),
  }),
} as const;
