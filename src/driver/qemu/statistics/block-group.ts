import type { TypedParam } from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { Element } from "../../../xml/index.ts";
import { devicesOf, sourceOf, targetOf } from "../devices-of.ts";
import { answerOf, type BlockAnswer, countersOf } from "./block-counters.ts";
import { fileSize, formatOf, imageCapacity } from "./image-size.ts";
import { param, type Subject } from "./subject.ts";

/** A node of QEMU's, as `query-named-block-nodes` tells it. */
export interface BlockNode {
  readonly "node-name"?: string;
  readonly image: { readonly "virtual-size": number; readonly "actual-size"?: number } & JsonObject;
}

/** What one row is about: the disk's own image, or one of those that it stands on. */
interface Row {
  readonly disk: Element;
  readonly path: string | undefined;
  readonly index: number | undefined;
  readonly answer: BlockAnswer | undefined;
}

/** With `withBacking` the images below a disk's own have rows too. */
export async function blockGroup(subject: Subject, withBacking: boolean): Promise<TypedParam[]> {
  const disks = devicesOf(subject.definition, "disk");
  const answers = disks.length === 0 ? [] : ((await subject.ask<BlockAnswer[]>("query-blockstats")) ?? []);
  const nodes =
    answers.length === 0 ? [] : ((await subject.ask<BlockNode[]>("query-named-block-nodes", { flat: true })) ?? []);
  const rows = disks.flatMap((disk) => rowsOf(disk, answerOf(answers, disk), withBacking));
  const all = await Promise.all(rows.map((row, at) => rowParams(subject, row, `block.${at}`, nodes)));
  return [param.uint("block.count", rows.length), ...all.flat()];
}

function rowsOf(disk: Element, answer: BlockAnswer | undefined, withBacking: boolean): Row[] {
  const rows: Row[] = [{ disk, path: sourceOf(disk), index: indexOf(disk), answer }];
  let below = withBacking ? answer?.backing : undefined;
  let store = disk.first("backingStore");
  while (below !== undefined) {
    rows.push({
      disk,
      path: store === undefined ? undefined : sourceOf(store),
      index: store && indexOf(store),
      answer: below,
    });
    below = below.backing;
    store = store?.first("backingStore");
  }
  return rows;
}

function indexOf(disk: Element): number | undefined {
  const index = disk.first("source")?.attribute("index") ?? disk.attribute("index");
  return index === undefined ? undefined : Number(index);
}

async function rowParams(
  subject: Subject,
  { disk, path, index, answer }: Row,
  prefix: string,
  nodes: readonly BlockNode[],
): Promise<TypedParam[]> {
  const params = [param.string(`${prefix}.name`, targetOf(disk))];
  if (path !== undefined) params.push(param.string(`${prefix}.path`, path));
  if (subject.run === undefined)
    return path === undefined ? params : [...params, ...(await offline(disk, path, prefix))];
  if (index !== undefined) params.push(param.uint(`${prefix}.backingIndex`, index));
  if (answer === undefined) return params;
  const counters = countersOf(answer);
  const number = (name: string, value: bigint): number => params.push(param.ullong(`${prefix}.${name}`, value));
  number("rd.reqs", counters.rdReqs);
  number("rd.bytes", counters.rdBytes);
  number("rd.times", counters.rdTimes);
  number("wr.reqs", counters.wrReqs);
  number("wr.bytes", counters.wrBytes);
  number("wr.times", counters.wrTimes);
  number("fl.reqs", counters.flReqs);
  number("fl.times", counters.flTimes);
  const node = nodes.find((each) => each["node-name"] !== undefined && each["node-name"] === answer["node-name"]);
  if (node === undefined) return params;
  number("allocation", counters.highestOffset);
  number("capacity", BigInt(node.image["virtual-size"]));
  number("physical", await physicalOf(node, path));
  return params;
}

/** What QEMU says it takes; of a file with nothing but holes its length. */
async function physicalOf({ image }: BlockNode, path: string | undefined): Promise<bigint> {
  const actual = BigInt(image["actual-size"] ?? 0);
  if (actual > 0n || path === undefined) return actual;
  return fileSize(path).then(
    ({ physical }) => physical,
    () => 0n,
  );
}

/** Of a domain that does not run only the file can be looked at, if it is there. */
async function offline(disk: Element, path: string, prefix: string): Promise<TypedParam[]> {
  try {
    const { allocation, physical } = await fileSize(path);
    const capacity = await imageCapacity(path, formatOf(disk));
    const sizes = { allocation, capacity, physical };
    return Object.entries(sizes).flatMap(([name, value]) =>
      value === 0n ? [] : [param.ullong(`${prefix}.${name}`, value)],
    );
  } catch {
    return [];
  }
}
