import type { Element } from "../../../xml/index.ts";
import { numaMemoryKib } from "../definition/processor.ts";

/**
 * After a device has joined a guest that runs, or left it: its memory is what its cells and its devices come to. A module
 * is all there with that; what a device of virtio's has in it is told by events. Of other devices nothing changes.
 */
export function settleMemory(root: Element, device: Element): void {
  if (device.name !== "memory") return;
  const memory = root.first("memory");
  const total = numaMemoryKib(root);
  if (memory === undefined || total === undefined) return;
  const before = Number(memory.text);
  memory.setText(String(total));
  const current = root.first("currentMemory");
  if (/^(nv)?dimm$/.test(device.attribute("model") ?? ""))
    current?.setText(String(Math.max(0, Number(current.text) + total - before)));
}
