import { open } from "node:fs/promises";
import type { Definition, Domain } from "../../../model/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  type TypedParam,
  type TypedValue,
  VirError,
  type Domain as WireDomain,
} from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { counted, strings, typesOf, writeAll } from "../../tuning/parameters.ts";
import { blockTunables, checkParams } from "../../tuning/tunables.ts";
import { nodeNameOf, queryAnswer } from "../device/disk-nodes.ts";
import { checkLimits } from "../device/limit-checks.ts";
import { limitsOf, throttleArguments } from "../device/throttle.ts";
import { aliasOf, findDisk, sourceOf, targetOf } from "../devices-of.ts";
import { notRunning, toVirError } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { affect, modify, soleTarget } from "../modification.ts";
import type { Observations } from "../observation.ts";
import type { Run } from "../run.ts";
import { answerOf, type BlockAnswer, countersOf } from "../statistics/block-counters.ts";
import type { BlockNode } from "../statistics/block-group.ts";
import { fileSize, formatOf, imageCapacity } from "../statistics/image-size.ts";
import { check, has, patienceOf } from "./asked.ts";

const all = affect.live | affect.config;
const inBytes = 1;
/** Of one peek, in bytes: what a reply has room for. */
const peekLimit = 4_194_304;

/** Disks: how large, what is in them, and how fast they may be. */
export function blockProcedures(guests: Guests, observations: Observations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  return {
    domainGetBlockInfo: async ({ dom, path, flags }) => {
      check(flags, 0, "qemuDomainGetBlockInfo");
      const domain = find(dom);
      const disk = domain.definition && findDisk(domain.definition, path);
      if (disk === undefined) throw wrong(`invalid path ${path} not assigned to domain`);
      const source = sourceOf(disk);
      if (source === undefined) throw wrong(`disk '${path}' does not currently have a source assigned`);
      const run = guests.runOf(domain);
      if (run === undefined)
        return { ...(await fileSize(source)), capacity: await imageCapacity(source, formatOf(disk)) };
      try {
        const { value: answers } = await observations.ask<readonly BlockAnswer[]>(run, "query-blockstats");
        const { value: nodes } = await observations.ask<readonly BlockNode[]>(run, "query-named-block-nodes", {
          flat: true,
        });
        const answer = answerOf(answers, disk);
        const image = nodes.find((node) => node["node-name"] === answer?.["node-name"])?.image;
        const actual = BigInt(image?.["actual-size"] ?? 0);
        const physical = await fileSize(source).then(
          (size) => size.physical,
          () => actual,
        );
        // A file says itself how much of it there is; of a block device QEMU alone knows how much is used.
        const isGrowing = disk.attribute("type") === "block" && formatOf(disk) !== "raw" && answer !== undefined;
        const allocation = isGrowing ? countersOf(answer).highestOffset : actual;
        return { allocation, capacity: BigInt(image?.["virtual-size"] ?? 0), physical };
      } catch (error) {
        throw toVirError(error);
      }
    },
    domainBlockPeek: async ({ dom, path, offset, size, flags }) => {
      check(flags, 0, "qemuDomainBlockPeek");
      const { definition } = find(dom);
      const disk = definition && findDisk(definition, path);
      if (disk === undefined) throw wrong(`invalid disk or path '${path}'`);
      const format = formatOf(disk);
      if (format !== "raw") throw unsupported(`peeking is only supported for disk with 'raw' format not '${format}'`);
      const source = sourceOf(disk);
      if (source === undefined) throw wrong(`disk '${path}' does not currently have a source assigned`);
      return { buffer: await peek(source, offset, size) };
    },
    domainBlockResize: ({ dom, disk: name, size, flags }, context) => {
      check(flags, inBytes | 2, "qemuDomainBlockResize");
      const bytes = has(flags, inBytes) ? size : size * 1024n;
      return guests.onRun(find(dom), "block resize", patienceOf(context), async (run, timeoutMs) => {
        const disk = diskIn(find(dom).definition, name);
        const isFixed = disk.first("readonly") !== undefined || sourceOf(disk) === undefined;
        if (isFixed) throw unsupported(`can't resize empty or readonly disk '${targetOf(disk)}'`);
        const node = await nodeNameOf(run, disk, timeoutMs);
        await run.execute("block_resize", { "node-name": node, size: Number((bytes + 511n) & ~511n) }, timeoutMs);
      });
    },
    domainGetBlockIoTune: async ({ dom, disk: name, nparams, flags }) => {
      check(flags, all | strings, "qemuDomainGetBlockIoTune");
      const domain = find(dom);
      if (nparams === 0) return { params: [], nparams: blockTunables.length };
      const { definition, isLive } = soleTarget(domain, flags);
      const disk = findDisk(definition, name ?? "");
      if (disk === undefined) {
        throw wrong(
          isLive ? `disk '${name}' not found in domain` : `disk '${name}' was not found in the domain config`,
        );
      }
      const run = isLive ? guests.runOf(domain) : undefined;
      const place = run === undefined ? disk : await limitedDisk(observations, run, disk);
      return counted(blockTunables, () => place, nparams, flags);
    },
    domainSetBlockIoTune: ({ dom, disk: name, params, flags }, context) => {
      check(flags, all, "qemuDomainSetBlockIoTune");
      checkParams(params, typesOf(blockTunables));
      const domain = find(dom);
      return modify(guests, domain, flags, "block limits", patienceOf(context), async (change) => {
        const { live, config } = change.targets;
        if (config !== undefined && findDisk(config, name) === undefined)
          throw wrong(`missing persistent configuration for disk '${name}'`);
        const target = live ?? config;
        const disk = target && findDisk(target, name);
        if (disk === undefined) throw wrong(`disk '${name}' not found in domain`);
        checkLimits(disk, params, change.run !== undefined);
        if (change.run !== undefined) {
          if (sourceOf(disk) === undefined) throw wrong(`disk '${name}' does not currently have a source assigned`);
          const tuned = disk.clone();
          writeAll(blockTunables, tuned, params);
          const id = (await queryAnswer(change.run, disk, change.timeoutMs))?.qdev ?? aliasOf(disk);
          await change.run.execute("block_set_io_throttle", throttleArguments(tuned, id), change.timeoutMs);
          guests.publish({ name: "tunable", dom: domain.reference, params: tunableParams(disk, params) });
        }
        await change.editAll((root) => {
          const own = root
            .first("devices")
            ?.all("disk")
            .find((each) => targetOf(each) === targetOf(disk));
          if (own !== undefined) writeAll(blockTunables, own, params);
        });
      });
    },
    domainSetBlockThreshold: ({ dom, dev, threshold, flags }, context) => {
      check(flags, 0, "qemuDomainSetBlockThreshold");
      return guests.onRun(find(dom), "block threshold", patienceOf(context), async (run, timeoutMs) => {
        const { definition } = find(dom);
        const disk = definition && findDisk(definition, dev);
        if (disk === undefined) throw wrong(`failed to find disk '${dev}'`);
        const answer = await queryAnswer(run, disk, timeoutMs);
        const node = (answer as unknown as JsonObject | undefined)?.["node-name"];
        if (typeof node !== "string") throw notRunning();
        const args = { "node-name": node, "write-threshold": Number(threshold) };
        await run.execute("block-set-write-threshold", args, timeoutMs);
      });
    },
  };
}

/** The disk with the limits that QEMU has for it. */
async function limitedDisk(observations: Observations, run: Run, disk: Element): Promise<Element> {
  const limited = disk.clone();
  try {
    const { value } = await observations.ask<readonly JsonObject[]>(run, "query-block");
    const inserted = answerOf(value as unknown as readonly BlockAnswer[], disk) as JsonObject | undefined;
    for (const [field, limit] of limitsOf((inserted?.["inserted"] as JsonObject | undefined) ?? {})) {
      const given = typeof limit === "string" ? { type: "string", value: limit } : { type: "ullong", value: limit };
      blockTunables.find((each) => each.field === field)?.write?.(limited, given as TypedValue);
    }
    return limited;
  } catch (error) {
    throw toVirError(error);
  }
}

async function peek(path: string, offset: bigint, size: number): Promise<Uint8Array> {
  if (size > peekLimit) throw wrong(`size ${size} is more than ${peekLimit}`);
  const buffer = Buffer.alloc(size);
  try {
    const file = await open(path, "r");
    try {
      const { bytesRead } = await file.read({ buffer, position: offset });
      if (bytesRead < size) throw VirError.system(ErrorDomain.qemu, 5, `${path}: failed to seek or read`);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw toVirError(error);
  }
  return buffer;
}

function tunableParams(disk: Element, params: readonly TypedParam[]): TypedParam[] {
  const own: TypedParam = { field: "blkdeviotune.disk", value: { type: "string", value: targetOf(disk) } };
  return [own, ...params.map(({ field, value }) => ({ field: `blkdeviotune.${field}`, value }))];
}

function diskIn(definition: Definition | undefined, name: string): Element {
  const disk = definition && findDisk(definition, name);
  if (disk !== undefined) return disk;
  throw wrong(`disk '${name}' was not found in the domain config`);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.qemu, detail);
}
