import type { Element } from "../../../xml/index.ts";
import { addressOf, virtioDriver, virtioOptions } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { device, object, type Part } from "./part.ts";
import { flag, unsupported } from "./reading.ts";

const usb: Readonly<Record<string, string>> = { tablet: "usb-tablet", mouse: "usb-mouse", keyboard: "usb-kbd" };
const virtio = ["tablet", "mouse", "keyboard"];

/** `<input>`; none for the keyboard and the mouse that a PC has. */
export function input(element: Element, context: GuestContext): Part[] {
  const type = element.attribute("type") ?? "";
  const bus = element.attribute("bus") ?? (type === "tablet" ? "usb" : "ps2");
  const id = context.idOf(element, "input");
  if (type === "evdev") return eventDevice(element, id);
  if (bus === "ps2" && type !== "tablet") return [];
  const place = addressOf(element, context);
  if (bus === "usb" && usb[type] !== undefined) return [device(usb[type], { id, ...place })];
  if (bus === "virtio" && virtio.includes(type)) {
    return [device(virtioDriver(`virtio-${type}`, element), { ...virtioOptions(element), id, ...place })];
  }
  if (bus === "virtio" && type === "passthrough") {
    const evdev = element.first("source")?.attribute("evdev");
    return [device(virtioDriver("virtio-input-host", element), { ...virtioOptions(element), id, evdev, ...place })];
  }
  throw unsupported(`input of type '${type}' on bus '${bus}' is not supported`);
}

function eventDevice(element: Element, id: string): Part[] {
  const source = element.first("source");
  return [
    object("input-linux", id, {
      evdev: source?.attribute("dev"),
      repeat: flag(source, "repeat"),
      grab_all: source?.attribute("grab") === "all" ? true : undefined,
      "grab-toggle": source?.attribute("grabToggle"),
    }),
  ];
}

/** `<hub>`. */
export function hub(element: Element, context: GuestContext): Part[] {
  if (element.attribute("type") !== "usb")
    throw unsupported(`hub of type '${element.attribute("type") ?? ""}' is not supported`);
  return [device("usb-hub", { id: context.idOf(element, "hub"), ...addressOf(element, context) })];
}
