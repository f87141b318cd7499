import type { Definition, Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { readNumberSet } from "../definition/number-set.ts";
import { hasVcpuStates, setVcpuStates, type VcpuState, vcpuStates } from "../definition/vcpu-states.ts";
import { hasBalloon } from "../devices-of.ts";
import { invalid } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { affect, type Change, modify } from "../modification.ts";
import { plugVcpu, plugVcpus } from "../vcpu-plugging.ts";
import { check, has, patienceOf } from "./asked.ts";

const maximum = 4;
const vcpu = { guest: 8, hotpluggable: 16 };
const all = affect.live | affect.config;

/** How much memory and how many processors a domain has, and may have. */
export function resourceProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const setMemory = (dom: WireDomain, memory: bigint, flags: number, context: CallContext) => {
    check(flags, all | maximum, "qemuDomainSetMemoryFlags");
    const kib = Number(memory);
    const change = has(flags, maximum) ? resize : balloon;
    return modify(guests, find(dom), flags, "memory", patienceOf(context), (job) => change(job, kib));
  };
  const setVcpus = (dom: WireDomain, count: number, flags: number, context: CallContext) => {
    check(flags, all | maximum | vcpu.guest | vcpu.hotpluggable, "qemuDomainSetVcpusFlags");
    return modify(guests, find(dom), flags, "vcpus", patienceOf(context), async (change) => {
      if (has(flags, vcpu.guest)) throw noAgentForVcpus();
      await (has(flags, maximum) ? setMaxVcpus : setCurrentVcpus)(change, count);
    });
  };
  return {
    domainSetMemory: ({ dom, memory }, context) => setMemory(dom, memory, affect.live, context),
    domainSetMaxMemory: ({ dom, memory }, context) => setMemory(dom, memory, maximum, context),
    domainSetMemoryFlags: ({ dom, memory, flags }, context) => setMemory(dom, memory, flags, context),
    domainSetVcpus: ({ dom, nvcpus }, context) => setVcpus(dom, nvcpus, affect.live, context),
    domainSetVcpu: async ({ dom, cpumap, state, flags }, context) => {
      check(flags, all, "qemuDomainSetVcpu");
      if (state !== 0 && state !== 1) throw wrongState();
      const ids = readNumberSet(cpumap);
      if (ids.length === 0) throw wrong("no vcpus selected for modification");
      await modify(guests, find(dom), flags, "vcpu", patienceOf(context), (change) =>
        setVcpu(change, ids, state === 1),
      );
    },
    domainSetVcpusFlags: ({ dom, nvcpus, flags }, context) => setVcpus(dom, nvcpus, flags, context),
  };
}

async function resize(change: Change, kib: number): Promise<void> {
  const { live, config } = change.targets;
  if (live !== undefined) throw invalid("cannot resize the maximum memory on an active domain");
  if (config?.root.find("cpu", "numa") !== undefined) {
    throw invalid("initial memory size of a domain with NUMA nodes cannot be modified with this API");
  }
  await change.keep((root) => setKib(root, "memory", kib));
}

/** The guest's balloon gives memory back, or takes it, when it will; an event tells how far it has come. */
async function balloon(change: Change, kib: number): Promise<void> {
  const { live, config } = change.targets;
  for (const each of [live, config]) {
    if (each !== undefined && kib > each.memoryKib) throw wrong("cannot set memory higher than max memory");
  }
  if (live !== undefined && change.run !== undefined) {
    if (!hasBalloon(live)) throw invalid(noDriver);
    await change.run.execute("balloon", { value: kib * 1024 }, change.timeoutMs);
  }
  if (config !== undefined) await change.keep((root) => setKib(root, "currentMemory", kib));
}

const noDriver = "Unable to change memory of active domain without the balloon device and guest OS balloon driver";

async function setMaxVcpus(change: Change, count: number): Promise<void> {
  const { live, config } = change.targets;
  if (live !== undefined) throw wrong("maximum vcpu count of a live domain can't be modified");
  if (config !== undefined && topologyOf(config) % count !== 0 && topologyOf(config) > 0) {
    throw wrong("CPU topology doesn't match the desired vcpu count");
  }
  await change.keep((root) => {
    const element = root.first("vcpu");
    const current = Number(element?.attribute("current") ?? element?.text ?? 1);
    element?.setText(String(count));
    if (current >= count) element?.removeAttribute("current");
    else element?.setAttribute("current", String(current));
  });
}

/** How many its `<topology>` makes; 0: it has none. */
function topologyOf({ root }: Definition): number {
  const topology = root.find("cpu", "topology");
  if (topology === undefined) return 0;
  return ["sockets", "dies", "cores", "threads"].reduce(
    (product, name) => product * Number(topology.attribute(name) ?? 1),
    1,
  );
}

async function setCurrentVcpus(change: Change, count: number): Promise<void> {
  const { live, config } = change.targets;
  if (live !== undefined && count > live.maxVcpus) throw tooMany("live", count, live.maxVcpus);
  if (config !== undefined && count > config.maxVcpus) throw tooMany("persistent", count, config.maxVcpus);
  if (live !== undefined && change.run !== undefined && count !== live.vcpus) {
    await plugVcpus(change, change.run, count);
  }
  if (config !== undefined) await change.keep((root) => setCurrent(root, count));
}

function setCurrent(root: Element, count: number): void {
  if (hasVcpuStates(root)) {
    return setVcpuStates(root, withCount(vcpuStates(root), count));
  }
  const element = root.first("vcpu");
  if (count === Number(element?.text)) element?.removeAttribute("current");
  else element?.setAttribute("current", String(count));
}

/** The first that are free come, and stay; the last that are there go. Their turns are not known any more. */
function withCount(states: readonly VcpuState[], count: number): VcpuState[] {
  const there = [...states.keys()].filter((id) => states[id]?.isEnabled === true);
  const free = [...states.keys()].filter((id) => states[id]?.isEnabled !== true);
  const [kept, added] = [new Set(there.slice(0, count)), new Set(free.slice(0, Math.max(0, count - there.length)))];
  return states.map(({ isHotpluggable }, id) => {
    const isEnabled = kept.has(id) || added.has(id);
    return { isEnabled, isHotpluggable: kept.has(id) ? isHotpluggable : !added.has(id) };
  });
}

async function setVcpu(change: Change, ids: readonly number[], isWanted: boolean): Promise<void> {
  const { live, config } = change.targets;
  const last = Math.max(...ids);
  if (config !== undefined && last >= config.maxVcpus) throw wrong(`vcpu ${last} is not present in persistent config`);
  if (live !== undefined && last >= live.maxVcpus) throw wrong(`vcpu ${last} is not present in live config`);
  const next = config && switched(vcpuStates(config.root), ids, isWanted);
  if (live !== undefined && change.run !== undefined) await plugVcpu(change, change.run, ids, isWanted);
  if (next !== undefined) await change.keep((root) => setVcpuStates(root, next));
}

/** Of a guest that does not run: in which turn they come is for its start to say. Throws VirError. */
function switched(states: readonly VcpuState[], ids: readonly number[], isEnabled: boolean): VcpuState[] {
  if (ids.includes(0)) throw wrong("vCPU '0' can't be modified");
  const last = Math.max(...ids);
  const isInTheWay = states.some((each, id) => id > last && each.isEnabled && !each.isHotpluggable);
  if (isInTheWay) {
    const first = Math.min(...ids);
    throw wrong(`vcpu '${first}' can't be modified as it is followed by non-hotpluggable online vcpus`);
  }
  return states.map(({ isEnabled: was, isHotpluggable }, id) =>
    ids.includes(id) ? { isEnabled, isHotpluggable: true } : { isEnabled: was, isHotpluggable },
  );
}

function setKib(root: Element, name: string, kib: number): void {
  root.first(name)?.setAttribute("unit", "KiB");
  root.first(name)?.setText(String(kib));
}

function tooMany(which: string, count: number, most: number): VirError {
  return wrong(`requested vcpus is greater than max allowable vcpus for the ${which} domain: ${count} > ${most}`);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}

function wrongState(): VirError {
  return VirError.wrongArgument("unsupported state value", ErrorDomain.qemu, "qemuDomainSetVcpu", "state");
}

function noAgentForVcpus(): VirError {
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.qemu, "QEMU guest agent is not configured");
}
