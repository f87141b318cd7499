import type { Element } from "../../../xml/index.ts";
import { addressOf } from "./address.ts";
import { characterBackend } from "./character-backend.ts";
import type { GuestContext } from "./guest-context.ts";
import { device, type Part, type Properties } from "./part.ts";
import { number, unsupported } from "./reading.ts";

/** `<serial>`. */
export function serial(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "serial");
  const target = element.first("target");
  const model =
    target?.first("model")?.attribute("name") ?? modelOf(target?.attribute("type") ?? "isa-serial", context);
  const known = ["isa-serial", "isa-debugcon", "pci-serial", "usb-serial"];
  if (!known.includes(model)) throw unsupported(`serial port of model '${model}' is not supported`);
  const port = number(target, "port") ?? Math.max(0, context.all("serial").indexOf(element));
  const index = model === "isa-serial" ? port : undefined;
  return withBackend(element, id, (chardev) => device(model, { chardev, id, index, ...addressOf(element, context) }));
}

/** A target is a kind of bus, and a model stands for it where there is none. */
function modelOf(target: string, { isX86 }: GuestContext): string {
  if (!isX86) throw unsupported("serial ports of this architecture are not supported");
  return target === "isa-debug" ? "isa-debugcon" : target;
}

/** `<parallel>`. */
export function parallel(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "parallel");
  return withBackend(element, id, (chardev) => device("isa-parallel", { chardev, id, ...addressOf(element, context) }));
}

/** `<console>`; none for what is only another name of a serial port. */
export function console(element: Element, context: GuestContext): Part[] {
  const type = element.first("target")?.attribute("type") ?? "serial";
  if (type === "serial") return [];
  if (type !== "virtio") throw unsupported(`console with target '${type}' is not supported`);
  const id = context.idOf(element, "console");
  return withBackend(element, id, (chardev) => device("virtconsole", { chardev, id, ...addressOf(element, context) }));
}

/** `<channel>`: a port of the guest's by name, such as its agent's; or an address of the guest's network. */
export function channel(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "channel");
  const target = element.first("target");
  const type = target?.attribute("type") ?? "virtio";
  if (type === "guestfwd") return guestForward(element, id);
  if (type !== "virtio") throw unsupported(`channel with target '${type}' is not supported`);
  const name = target?.attribute("name") ?? defaultName(element);
  return withBackend(element, id, (chardev) =>
    device("virtserialport", { chardev, id, name, ...addressOf(element, context) }),
  );
}

function defaultName(element: Element): string | undefined {
  return element.attribute("type") === "spicevmc" ? "com.redhat.spice.0" : undefined;
}

function guestForward(element: Element, id: string): Part[] {
  const target = element.first("target");
  const [address, port] = [target?.attribute("address") ?? "", number(target, "port")];
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(address) || port === undefined) {
    throw unsupported("guestfwd channel needs the address and the port of the guest's network");
  }
  const properties: Properties = { guestfwd: [{ str: `tcp:${address}:${port}-chardev:char${id}` }] };
  return [characterBackend(element, `char${id}`), { kind: "netdev", properties: { type: "user", id, ...properties } }];
}

function withBackend(element: Element, id: string, build: (chardev: string) => Part): Part[] {
  const chardev = `char${id}`;
  return [characterBackend(element, chardev), build(chardev)];
}

/** `<redirdev>`: a USB device of whoever looks at the guest. */
export function redirectedDevice(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "redir");
  if ((element.attribute("bus") ?? "usb") !== "usb") throw unsupported("redirdev needs bus 'usb'");
  return withBackend(element, id, (chardev) =>
    device("usb-redir", { chardev, id, bootindex: context.bootIndex(element), ...addressOf(element, context) }),
  );
}

/** `<smartcard>`. */
export function smartcard(element: Element, context: GuestContext): Part[] {
  const mode = element.attribute("mode");
  if (mode !== "passthrough") throw unsupported(`smartcard of mode '${mode ?? ""}' is not supported`);
  const id = context.idOf(element, "smartcard");
  return withBackend(element, id, (chardev) =>
    device("ccid-card-passthru", { chardev, id, ...addressOf(element, context) }),
  );
}
