import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import { memoryBackend } from "./memory-backend.ts";
import { optionText } from "./option-text.ts";
import { argument, type Part } from "./part.ts";
import { bytesOf, failure, flag, number, oneOf } from "./reading.ts";

/** The guest's own NUMA cells. */
export function numaCells({ root }: GuestContext): Element[] {
  return root.find("cpu", "numa")?.all("cell") ?? [];
}

/** Whether what is between the cells, or in front of them, is described. */
export function hasInterconnects(context: GuestContext): boolean {
  return (
    context.root.find("cpu", "numa", "interconnects") !== undefined ||
    numaCells(context).some((cell) => cell.first("cache") !== undefined)
  );
}

/** The cells with their memory, and what is between them. */
export function numa(context: GuestContext): Part[] {
  const cells = numaCells(context);
  const isDescribed = hasInterconnects(context);
  const firstWithProcessors = cells.findIndex((cell) => (cell.attribute("cpus") ?? "") !== "");
  const nodes = cells.flatMap((cell, place) => {
    const id = number(cell, "id") ?? place;
    const memdev = `ram-node${id}`;
    const wish = { sizeBytes: bytesOf(cell, "memory"), access: cell.attribute("memAccess"), cell: id };
    const processors = ranges(cell).map((range) => `cpus=${range}`);
    const own = processors.length > 0 ? id : firstWithProcessors;
    const words = [
      "node",
      `nodeid=${id}`,
      ...processors,
      ...(isDescribed ? [`initiator=${own}`] : []),
      `memdev=${memdev}`,
    ];
    return [
      memoryBackend(memdev, { ...wish, discard: flag(cell, "discard") }, context),
      argument("-numa", words.join(",")),
    ];
  });
  return [
    ...nodes,
    ...cells.flatMap(distances),
    ...(isDescribed ? [...interconnects(context), ...cells.flatMap(caches)] : []),
  ];
}

/** The processors of a cell as QEMU lists them. */
function ranges(cell: Element): string[] {
  const text = (cell.attribute("cpus") ?? "").trim();
  if (text === "") return [];
  const ranges = text.split(",").map((range) => range.trim());
  if (!ranges.every((range) => /^\d{1,5}(-\d{1,5})?$/.test(range)))
    throw failure(`a cell cannot have processors '${text}'`);
  return ranges;
}

function distances(cell: Element, place: number): Part[] {
  const src = number(cell, "id") ?? place;
  const siblings = cell.first("distances")?.all("sibling") ?? [];
  return siblings.map((sibling) =>
    argument("-numa", `dist,${optionText({ src, dst: number(sibling, "id"), val: number(sibling, "value") })}`),
  );
}

function interconnects({ root }: GuestContext): Part[] {
  const between = root.find("cpu", "numa", "interconnects")?.elements() ?? [];
  return between.map((element) => {
    const kind = oneOf(element.name, ["latency", "bandwidth"], "interconnect");
    const type = oneOf(element.attribute("type") ?? "access", ["access", "read", "write"], "interconnect type");
    const cache = number(element, "cache") ?? 0;
    const value = kind === "latency" ? number(element, "value") : `${bytesOf(element) / 1024}K`;
    const options = optionText({
      initiator: number(element, "initiator"),
      target: number(element, "target"),
      hierarchy: ["memory", "first-level", "second-level", "third-level"][cache],
      "data-type": `${type}-${kind}`,
      [kind]: value,
    });
    return argument("-numa", `hmat-lb,${options}`);
  });
}

const policies = { none: "none", writeback: "write-back", writethrough: "write-through" } as const;

function caches(cell: Element, place: number): Part[] {
  return cell.all("cache").map((cache) => {
    const policy = oneOf(cache.attribute("policy") ?? "none", ["none", "writeback", "writethrough"], "cache policy");
    const [size, line] = [cache.first("size"), cache.first("line")];
    const kinds = { none: "none", direct: "direct", full: "complex" } as const;
    const associativity = oneOf(
      cache.attribute("associativity") ?? "none",
      ["none", "direct", "full"],
      "cache associativity",
    );
    const options = optionText({
      "node-id": number(cell, "id") ?? place,
      size: size === undefined ? undefined : `${bytesOf(size) / 1024}K`,
      level: number(cache, "level"),
      associativity: kinds[associativity],
      policy: policies[policy],
      line: line === undefined ? undefined : bytesOf(line),
    });
    return argument("-numa", `hmat-cache,${options}`);
  });
}
