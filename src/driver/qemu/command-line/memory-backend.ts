import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import { object, type Part, type Properties } from "./part.ts";
import { bytesOf, number, oneOf, unsupported } from "./reading.ts";

/** What is asked for one piece of the guest's memory, beside what `<memoryBacking>` says of all. */
export interface MemoryWish {
  readonly sizeBytes: number;
  /** `memAccess` of a cell, `access` of a device. */
  readonly access?: string | undefined;
  readonly discard?: boolean | undefined;
  /** The cell of the guest's, for huge pages of some cells alone. */
  readonly cell?: number | undefined;
  /** Of virtio-mem, which takes what it needs when it needs it. */
  readonly reserve?: false | undefined;
}

/** A piece of memory as an object of that id. */
export function memoryBackend(id: string, wish: MemoryWish, context: GuestContext): Part {
  const backing = context.root.first("memoryBacking");
  const page = hugePage(backing, wish.cell);
  const type = backing?.first("source")?.attribute("type") ?? "anonymous";
  const share = shared(wish.access ?? backing?.first("access")?.attribute("mode"));
  const isImmediate = backing?.first("allocation")?.attribute("mode") === "immediate" || page !== undefined;
  const kind = kindOf(oneOf(type, ["anonymous", "file", "memfd"], "memory backing source"), id, page, context);
  // Elsewhere there is no file whose data could be thrown away.
  const isFile = kind.type === "memory-backend-file";
  const isDiscarded = wish.discard ?? backing?.first("discard") !== undefined;
  return object(kind.type, id, {
    ...kind.properties,
    share,
    prealloc: isImmediate && wish.reserve === undefined ? true : undefined,
    "prealloc-threads": isImmediate ? number(backing?.first("allocation"), "threads") : undefined,
    "discard-data": isFile && isDiscarded ? true : undefined,
    reserve: wish.reserve,
    size: wish.sizeBytes,
    ...hostNodes(wish.cell, context),
  });
}

interface BackendKind {
  readonly type: string;
  readonly properties: Properties;
}

function kindOf(type: string, id: string, page: number | undefined, context: GuestContext): BackendKind {
  // By what the memory is called in a stream of saved memory.
  const name = id === "pc.ram" ? { "x-use-canonical-path-for-ramblock-id": false } : {};
  if (type === "memfd") {
    const huge = page === undefined ? {} : { hugetlb: true, hugetlbsize: page };
    return { type: "memory-backend-memfd", properties: { ...huge, ...name } };
  }
  const path = page === undefined ? context.ownMemory(id) : context.options.hugePagesAt?.(page);
  if (path === undefined) throw unsupported(`hugetlbfs with pages of ${page} bytes is not mounted`);
  if (page === undefined && type === "anonymous") return { type: "memory-backend-ram", properties: {} };
  return { type: "memory-backend-file", properties: { "mem-path": path, ...name } };
}

function shared(access: string | undefined): boolean | undefined {
  return access === undefined ? undefined : oneOf(access, ["shared", "private"], "memory access mode") === "shared";
}

/** The size of the huge pages for a cell, in bytes; undefined where it has ordinary ones. */
function hugePage(backing: Element | undefined, cell: number | undefined): number | undefined {
  const pages = backing?.first("hugepages");
  if (pages === undefined) return undefined;
  const sizes = pages.all("page");
  const own = sizes.find(
    (page) => page.attribute("nodeset") !== undefined && isIn(cell ?? 0, page.attribute("nodeset") ?? ""),
  );
  const common = sizes.find((page) => page.attribute("nodeset") === undefined);
  const page = own ?? common;
  if (page !== undefined) return bytesOf(page, "size");
  return sizes.length === 0 ? 2 << 20 : undefined;
}

/** Whether a number is in a list such as "0-3,^2,5". */
export function isIn(number: number, list: string): boolean {
  let found = false;
  for (const range of list.split(",")) {
    const [, not, from = "", to = from] = /^(\^?)(\d+)(?:-(\d+))?$/.exec(range.trim()) ?? [];
    if (from !== "" && number >= Number(from) && number <= Number(to)) found = not !== "^";
  }
  return found;
}

/** `<numatune>`: on which nodes of the host's a cell lies, where it says strictly. */
function hostNodes(cell: number | undefined, { root }: GuestContext): Properties {
  const tune = root.first("numatune");
  const own = tune?.all("memnode").find((node) => Number(node.attribute("cellid")) === cell);
  const memory = own ?? tune?.first("memory");
  const nodes = memory?.attribute("nodeset");
  if (memory === undefined || nodes === undefined) return {};
  const mode = oneOf(
    memory.attribute("mode") ?? "strict",
    ["strict", "preferred", "interleave", "restrictive"],
    "numatune mode",
  );
  if (mode === "restrictive") return {};
  const list = Array.from({ length: 64 }, (_, node) => node).filter((node) => isIn(node, nodes));
  return { "host-nodes": list, policy: mode === "strict" ? "bind" : mode };
}

/** Whether anything is asked for that ordinary memory does not have. */
export function isPlain({ root }: GuestContext): boolean {
  const backing = root.first("memoryBacking");
  const asks = ["hugepages", "source", "access", "allocation", "discard"];
  return !asks.some((name) => backing?.first(name) !== undefined) && root.first("numatune") === undefined;
}
