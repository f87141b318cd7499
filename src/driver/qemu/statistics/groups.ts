import type { TypedParam } from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import { devicesOf } from "../devices-of.ts";
import { cpuTimeOf, waitOf } from "../processes.ts";
import { vcpuThreads } from "../vcpu-threads.ts";
import { blockGroup } from "./block-group.ts";
import { interfaceGroup } from "./interface-group.ts";
import { memoryCounters } from "./memory-counters.ts";
import { param, type Subject } from "./subject.ts";

/** virDomainStatsTypes, in libvirt's order. */
const groups: readonly (readonly [bit: number, make: (subject: Subject, backing: boolean) => Promise<TypedParam[]>])[] =
  [
    [1, stateGroup],
    [2, cpuGroup],
    [4, balloonGroup],
    [8, vcpuGroup],
    [16, networkGroup],
    [32, blockGroup],
    // Events of the host's CPU are counted for nobody.
    [64, nothing],
    [128, ioThreadGroup],
    // Bandwidth of memory, which takes a CPU that tells.
    [256, nothing],
    [512, dirtyRateGroup],
    // What KVM tells, which nobody runs on here.
    [1024, nothing],
  ];

export const knownGroups = groups.reduce((bits, [bit]) => bits | bit, 0);

/** Those that `wanted` names; 0: all. What is not of now is followed by its age, in ms. */
export async function statisticsOf(subject: Subject, wanted: number, withBacking: boolean): Promise<TypedParam[]> {
  const chosen = groups.filter(([bit]) => wanted === 0 || (wanted & bit) !== 0);
  const made = (await Promise.all(chosen.map(([, make]) => make(subject, withBacking)))).flat();
  return subject.ageMs === 0 ? made : [...made, param.ullong("virtwright.age", BigInt(Math.round(subject.ageMs)))];
}

async function nothing(): Promise<TypedParam[]> {
  return [];
}

async function stateGroup({ domain }: Subject): Promise<TypedParam[]> {
  const { state, reason } = domain.status;
  return [param.int("state.state", state), param.int("state.reason", reason)];
}

async function cpuGroup({ run }: Subject): Promise<TypedParam[]> {
  const { userNs = 0n, systemNs = 0n } = cpuTimeOf(run?.pid) ?? {};
  const params = [
    param.ullong("cpu.time", userNs + systemNs),
    param.ullong("cpu.user", userNs),
    param.ullong("cpu.system", systemNs),
  ];
  if (run === undefined) return params;
  return [
    ...params,
    param.uint("cpu.cache.monitor.count", 0),
    param.ullong("cpu.haltpoll.success.time", 0n),
    param.ullong("cpu.haltpoll.fail.time", 0n),
  ];
}

async function balloonGroup(subject: Subject): Promise<TypedParam[]> {
  const { definition, run, observations } = subject;
  const params = [
    param.ullong("balloon.current", BigInt(definition.currentMemoryKib)),
    param.ullong("balloon.maximum", BigInt(definition.memoryKib)),
  ];
  if (run === undefined) return params;
  const counters = (await subject.note(() => memoryCounters(observations, run, definition))) ?? [];
  for (const { name, value } of counters) if (name !== "actual") params.push(param.ullong(`balloon.${name}`, value));
  return params;
}

async function vcpuGroup(subject: Subject): Promise<TypedParam[]> {
  const { definition, run, observations } = subject;
  const params = [param.uint("vcpu.current", definition.vcpus), param.uint("vcpu.maximum", definition.maxVcpus)];
  if (run?.pid === undefined) return params;
  const { pid } = run;
  const threads = (await subject.note(() => vcpuThreads(observations, run))) ?? [];
  for (const { number, thread } of threads) {
    const time = cpuTimeOf(pid, thread);
    if (time === undefined) continue;
    const { waitNs, delayNs } = waitOf(pid, thread);
    params.push(
      param.int(`vcpu.${number}.state`, 1),
      param.ullong(`vcpu.${number}.time`, time.userNs + time.systemNs),
      param.ullong(`vcpu.${number}.wait`, waitNs),
      param.ullong(`vcpu.${number}.delay`, delayNs),
    );
  }
  return params;
}

async function networkGroup({ definition, run }: Subject): Promise<TypedParam[]> {
  return run === undefined ? [] : interfaceGroup(devicesOf(definition, "interface"));
}

async function ioThreadGroup(subject: Subject): Promise<TypedParam[]> {
  if (subject.definition.root.first("iothreadids") === undefined) return [];
  const threads = (await subject.ask<readonly JsonObject[]>("query-iothreads")) ?? [];
  const params = threads.length === 0 ? [] : [param.uint("iothread.count", threads.length)];
  for (const each of threads) {
    const prefix = `iothread.${String(each["id"]).replace("iothread", "")}`;
    params.push(
      param.ullong(`${prefix}.poll-max-ns`, BigInt(Number(each["poll-max-ns"]))),
      param.uint(`${prefix}.poll-grow`, Number(each["poll-grow"])),
      param.uint(`${prefix}.poll-shrink`, Number(each["poll-shrink"])),
    );
  }
  return params;
}

const measuring = ["unstarted", "measuring", "measured"];

async function dirtyRateGroup(subject: Subject): Promise<TypedParam[]> {
  const answer = await subject.ask<JsonObject>("query-dirty-rate");
  if (answer === undefined) return [];
  const status = measuring.indexOf(String(answer["status"]));
  const params = [
    param.int("dirtyrate.calc_status", status),
    param.llong("dirtyrate.calc_start_time", BigInt(Number(answer["start-time"] ?? 0))),
    param.int("dirtyrate.calc_period", Number(answer["calc-time"] ?? 0)),
    param.string("dirtyrate.calc_mode", String(answer["mode"])),
  ];
  const rate = answer["dirty-rate"];
  if (typeof rate === "number") params.push(param.llong("dirtyrate.megabytes_per_second", BigInt(rate)));
  return params;
}
