import type { Element } from "../../../xml/index.ts";
import { addressOf } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { device, type Part } from "./part.ts";
import { flag, number, onOff, unsupported } from "./reading.ts";

/** `<iommu>`. It must be there before the devices behind it. */
export function iommu(element: Element, context: GuestContext): Part[] {
  const model = element.attribute("model") ?? "";
  const id = context.idOf(element, "iommu");
  if (!context.isQ35) throw unsupported(`IOMMU device: '${model}' is only supported with Q35 machines`);
  if (model === "virtio") return [device("virtio-iommu", { id, ...addressOf(element, context) })];
  if (model !== "intel") throw unsupported(`IOMMU device: '${model}' is not supported`);
  const driver = element.first("driver");
  return [
    device("intel-iommu", {
      id,
      intremap: onOff(flag(driver, "intremap")),
      "caching-mode": flag(driver, "caching_mode"),
      eim: onOff(flag(driver, "eim")),
      "device-iotlb": flag(driver, "iotlb"),
      "aw-bits": number(driver, "aw_bits"),
    }),
  ];
}
