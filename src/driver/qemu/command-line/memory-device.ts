import type { Element } from "../../../xml/index.ts";
import { addressOf } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { memoryBackend } from "./memory-backend.ts";
import { device, object, type Part } from "./part.ts";
import { bytes, failure, numberIn, unsupported } from "./reading.ts";

/** `<memory model='...'>`: memory in a slot. */
export function memoryDevice(element: Element, context: GuestContext): Part[] {
  const model = element.attribute("model") ?? "";
  if (model === "dimm") return dimm(element, context);
  if (model === "nvdimm") return nvdimm(element, context);
  if (model === "virtio-mem") return virtioMem(element, context);
  throw unsupported(`memory device of model '${model}' is not supported`);
}

function dimm(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "dimm");
  const wish = { sizeBytes: sizeOf(element), access: element.attribute("access"), cell: nodeOf(element) };
  const place = { node: nodeOf(element), memdev: `mem${id}`, id, ...addressOf(element, context) };
  return [memoryBackend(`mem${id}`, wish, context), device("pc-dimm", place)];
}

function nvdimm(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "nvdimm");
  const path = element.find("source", "path")?.text.trim();
  if (path === undefined || path === "") throw failure("nvdimm needs <source><path>");
  const source = element.first("source");
  const label = element.find("target", "label")?.first("size");
  const share = element.attribute("access") === "shared" ? true : undefined;
  const alignment = source?.first("alignsize");
  return [
    object("memory-backend-file", `mem${id}`, {
      "mem-path": path,
      prealloc: true,
      share,
      align: alignment === undefined ? undefined : bytes(alignment),
      pmem: source?.first("pmem") === undefined ? undefined : true,
      size: sizeOf(element),
    }),
    device("nvdimm", {
      node: nodeOf(element),
      "label-size": label === undefined ? undefined : bytes(label),
      unarmed: element.find("target", "readonly") === undefined ? undefined : true,
      memdev: `mem${id}`,
      id,
      ...addressOf(element, context),
    }),
  ];
}

function virtioMem(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "virtiomem");
  const target = element.first("target");
  const size = (name: string): number | undefined => {
    const element = target?.first(name);
    return element === undefined ? undefined : bytes(element);
  };
  const wish = { sizeBytes: sizeOf(element), access: element.attribute("access"), cell: nodeOf(element) };
  return [
    memoryBackend(`mem${id}`, { ...wish, reserve: false }, context),
    device("virtio-mem-pci", {
      node: nodeOf(element),
      "block-size": size("block"),
      "requested-size": size("requested"),
      memdev: `mem${id}`,
      id,
      ...addressOf(element, context),
    }),
  ];
}

function sizeOf(element: Element): number {
  const size = element.find("target", "size");
  if (size === undefined) throw failure("memory device needs <target><size>");
  return bytes(size);
}

function nodeOf(element: Element): number | undefined {
  return numberIn(element.find("target", "node"));
}
