import type { Definition, Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { hasBalloon } from "../devices-of.ts";
import { invalid } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { affect, type Change, modify } from "../modification.ts";
import { plugVcpus } from "../vcpu-plugging.ts";
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
    await plugVcpus(change.run, count, change.timeoutMs, (now) => change.describe((root) => setCurrent(root, now)));
  }
  if (config !== undefined) await change.keep((root) => setCurrent(root, count));
}

function setCurrent(root: Element, count: number): void {
  const element = root.first("vcpu");
  if (count === Number(element?.text)) element?.removeAttribute("current");
  else element?.setAttribute("current", String(count));
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

function noAgentForVcpus(): VirError {
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.qemu, "QEMU guest agent is not configured");
}
