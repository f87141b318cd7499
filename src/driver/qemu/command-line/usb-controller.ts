import type { Element } from "../../../xml/index.ts";
import { addressOf } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { device, type Part, type Properties } from "./part.ts";
import { number, unsupported } from "./reading.ts";

const drivers: Readonly<Record<string, string>> = {
  "piix3-uhci": "piix3-usb-uhci",
  "piix4-uhci": "piix4-usb-uhci",
  "pci-ohci": "pci-ohci",
  ehci: "usb-ehci",
  "ich9-ehci1": "ich9-usb-ehci1",
  "ich9-uhci1": "ich9-usb-uhci1",
  "ich9-uhci2": "ich9-usb-uhci2",
  "ich9-uhci3": "ich9-usb-uhci3",
  "vt82c686b-uhci": "vt82c686b-usb-uhci",
  "nec-xhci": "nec-usb-xhci",
  "qemu-xhci": "qemu-xhci",
};

/** `<controller type='usb'>`. A companion shares the bus, and so the name, of its master. */
export function usbController(element: Element, context: GuestContext): Part[] {
  const model = element.attribute("model") ?? (context.isQ35 ? "ich9-uhci1" : "piix3-uhci");
  if (model === "none") return [];
  const driver = drivers[model];
  if (driver === undefined) throw unsupported(`USB controller of model '${model}' is not supported`);
  const id = context.controllerId("usb", number(element, "index") ?? 0);
  return [device(driver, { ...role(element, id), ...ports(element, model), ...addressOf(element, context) })];
}

function role(element: Element, id: string): Properties {
  const firstport = number(element.first("master"), "startport");
  return firstport === undefined ? { id } : { masterbus: `${id}.0`, firstport };
}

function ports(element: Element, model: string): Properties {
  const count = number(element, "ports");
  if (count === undefined) return {};
  if (!model.endsWith("-xhci")) throw unsupported(`usb controller model '${model}' doesn't support 'ports'`);
  return { p2: count, p3: count };
}
