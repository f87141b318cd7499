import type { Definition, Domain } from "../../../model/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  type TypedParam,
  VirError,
  type Domain as WireDomain,
} from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { formatCpuList, parseCpuList } from "../../tuning/cpu-list.ts";
import { cpusIn, tuneOf } from "../../tuning/cpu-map.ts";
import { ioThreadIds, setIoThreadIds } from "../../tuning/io-thread-list.ts";
import { pinned, pinOf, setPin } from "../../tuning/pins.ts";
import { checkParams } from "../../tuning/tunables.ts";
import { setAffinity } from "../affinity.ts";
import { devicesOf, targetOf } from "../devices-of.ts";
import { toVirError } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { affect, modify, soleTarget } from "../modification.ts";
import type { Observations } from "../observation.ts";
import { allowedCpus, hostCpus } from "../processes.ts";
import type { Run } from "../run.ts";
import { check, patienceOf } from "./asked.ts";
import { tellPin } from "./pinning.ts";

const either = affect.live | affect.config;
/** What can be set of a thread, of which type it is, and QEMU's name for it. */
const settings = { poll_max_ns: "ullong", poll_grow: "uint", poll_shrink: "uint" } as const;

/** Threads of QEMU that serve disks. */
export function ioThreadProcedures(guests: Guests, observations: Observations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  return {
    domainGetIothreadInfo: async ({ dom, flags }) => {
      check(flags, either, "qemuDomainGetIOThreadInfo");
      const domain = find(dom);
      const { definition, isLive } = soleTarget(domain, flags);
      const run = isLive ? guests.runOf(domain) : undefined;
      if (run?.pid === undefined) {
        const info = ioThreadIds(definition.root).map((id) => ({
          iothreadId: id,
          cpumap: shortMap(pinOf(definition.root, pinned.ioThread(id), hostCpus())),
        }));
        return { info, ret: info.length };
      }
      const { pid } = run;
      const { value } = await asked(observations.ask<readonly JsonObject[]>(run, "query-iothreads"));
      const info = value.map((each) => ({
        iothreadId: Number(String(each["id"]).replace("iothread", "")),
        cpumap: shortMap(parseCpuList(allowedCpus(pid, Number(each["thread-id"])) ?? "")),
      }));
      return { info: info.sort((one, other) => one.iothreadId - other.iothreadId), ret: info.length };
    },
    domainAddIothread: ({ dom, iothreadId, flags }, context) => {
      check(flags, either, "qemuDomainAddIOThread");
      checkNumber(iothreadId);
      return modify(guests, find(dom), flags, "I/O thread", patienceOf(context), async (change) => {
        const { live, config } = change.targets;
        for (const each of [live, config]) {
          if (each !== undefined && ioThreadIds(each.root).includes(iothreadId)) {
            throw unknown(`an IOThread is already using iothread_id '${iothreadId}'`);
          }
        }
        await change.run?.execute(
          "object-add",
          { "qom-type": "iothread", id: `iothread${iothreadId}` },
          change.timeoutMs,
        );
        await change.editAll((root) => setIoThreadIds(root, [...ioThreadIds(root), iothreadId]));
      });
    },
    domainDelIothread: ({ dom, iothreadId, flags }, context) => {
      check(flags, either, "qemuDomainDelIOThread");
      checkNumber(iothreadId);
      return modify(guests, find(dom), flags, "I/O thread", patienceOf(context), async (change) => {
        const { live, config } = change.targets;
        for (const each of [live, config]) if (each !== undefined) checkUnused(each, iothreadId);
        await change.run?.execute("object-del", { id: `iothread${iothreadId}` }, change.timeoutMs);
        await change.editAll((root) => removeThread(root, iothreadId));
      });
    },
    domainPinIothread: ({ dom, iothreadsId, cpumap, flags }, context) => {
      check(flags, either, "qemuDomainPinIOThread");
      return modify(guests, find(dom), flags, "pin", patienceOf(context), async (change) => {
        const cpus = cpusIn(cpumap);
        if (cpus.length === 0) throw wrong("Empty iothread cpumap list for pinning");
        const { live, config } = change.targets;
        for (const each of [live, config]) {
          if (each !== undefined && !ioThreadIds(each.root).includes(iothreadsId)) {
            throw wrong(`iothreadid ${iothreadsId} not found`);
          }
        }
        if (change.run !== undefined) {
          const thread = await threadOf(change.run, iothreadsId, change.timeoutMs);
          if (thread !== undefined) await setAffinity(thread, formatCpuList(cpus));
        }
        await change.editAll((root) => setPin(tuneOf(root), pinned.ioThread(iothreadsId), formatCpuList(cpus)));
        if (change.run !== undefined) tellPin(guests, change.domain, `iothreadpin${iothreadsId}`, cpus);
      });
    },
    domainSetIothreadParams: ({ dom, iothreadId, params, flags }, context) => {
      check(flags, either, "qemuDomainSetIOThreadParams");
      checkNumber(iothreadId);
      checkParams(params, settings);
      return modify(guests, find(dom), flags, "I/O thread", patienceOf(context), async (change) => {
        const { live, config } = change.targets;
        if (live !== undefined && !ioThreadIds(live.root).includes(iothreadId)) {
          throw wrong(`cannot find IOThread '${iothreadId}' in iothreadids`);
        }
        if (config !== undefined) throw unsupported("configuring persistent polling values is not supported");
        if (change.run !== undefined) await setPolling(change.run, iothreadId, params, change.timeoutMs);
      });
    },
  };
}

async function setPolling(run: Run, id: number, params: readonly TypedParam[], timeoutMs: number): Promise<void> {
  for (const { field, value } of params) {
    const args = { path: `/objects/iothread${id}`, property: field.replaceAll("_", "-"), value: Number(value.value) };
    await run.execute("qom-set", args, timeoutMs);
  }
}

async function threadOf(run: Run, id: number, timeoutMs: number): Promise<number | undefined> {
  const threads = (await run.execute("query-iothreads", {}, timeoutMs)) as readonly JsonObject[];
  const thread = threads.find((each) => each["id"] === `iothread${id}`)?.["thread-id"];
  return typeof thread === "number" ? thread : undefined;
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toVirError(error);
  }
}

function removeThread(root: Element, id: number): void {
  setIoThreadIds(
    root,
    ioThreadIds(root).filter((each) => each !== id),
  );
  const tune = root.first("cputune");
  const pin = tune?.all("iothreadpin").find((each) => each.attribute("iothread") === String(id));
  if (tune === undefined || pin === undefined) return;
  tune.children.splice(tune.children.indexOf(pin), 1);
  if (tune.elements().length === 0) root.children.splice(root.children.indexOf(tune), 1);
}

/** As long as the highest CPU needs. */
function shortMap(cpus: readonly number[]): Uint8Array {
  const map = new Uint8Array(((cpus.at(-1) ?? -1) >> 3) + 1);
  for (const cpu of cpus) map[cpu >> 3] = (map[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return map;
}

function checkNumber(id: number): void {
  if (id === 0) throw wrong("invalid value of 0 for iothread_id");
}

function checkUnused(definition: Definition, id: number): void {
  if (!ioThreadIds(definition.root).includes(id)) throw unknown(`cannot find IOThread '${id}' in iothreadids list`);
  const disk = devicesOf(definition, "disk").find((each) => each.first("driver")?.attribute("iothread") === String(id));
  if (disk === undefined) return;
  throw unknown(`cannot remove IOThread ${id} since it is being used by disk '${targetOf(disk)}'`);
}

function unknown(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, detail);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.qemu, detail);
}
