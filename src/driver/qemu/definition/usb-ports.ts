import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { readNumber } from "../../objects/element-edit.ts";

/** A controller's or a hub's ports: who is plugged in. */
interface Hub {
  readonly used: Set<number>;
  readonly count: number;
  readonly hubs: Map<number, Hub>;
  /** No port is free here or in the hubs that are plugged in. */
  isFull: boolean;
}

function hubOf(count: number): Hub {
  return { used: new Set(), count, hubs: new Map(), isFull: false };
}

const hubPorts = 8;

/** In which order the kinds of devices come to a port; hubs are before all others. */
const order = ["hostdev", "disk", "controller", "input", "serial", "sound", "redirdev"];

/** Gives every USB device its bus and port, and adds the hubs that this takes. Throws VirError. */
export function assignUsbAddresses(devices: Element): void {
  addHubs(devices);
  const ports = new UsbPorts(devices);
  for (const hub of devices.all("hub").filter((each) => portOf(each) === undefined)) {
    ports.plug(hub);
  }
  for (const device of usbDevices(devices).filter((each) => portOf(each) === undefined)) ports.plug(device);
}

/** The ports of a guest. */
export class UsbPorts {
  readonly #buses = new Map<number, Hub>();

  /** Throws VirError where two have a port, or one has none that exists. */
  constructor(devices: Element) {
    for (const controller of devices.all("controller").filter((each) => each.attribute("type") === "usb")) {
      const count = portCount(controller);
      const index = readNumber(controller.attribute("index")) ?? 0;
      if (count === 0) continue;
      if (this.#buses.has(index)) throw wrong(`Duplicate USB controllers with index ${index}`);
      this.#buses.set(index, hubOf(count));
    }
    const isPlugged = (each: Element): boolean => portOf(each) !== undefined;
    for (const hub of devices.all("hub").filter(isPlugged)) this.#reserve(hub);
    for (const device of usbDevices(devices).filter(isPlugged)) this.#reserve(device);
  }

  /** Gives a device a free port, on the bus that it names if it names one. Throws VirError when there is none. */
  plug(device: Element): void {
    const wanted = busOf(device);
    for (const [bus, hub] of this.#buses) {
      if (wanted !== undefined && bus !== wanted) continue;
      const path = freePort(hub);
      if (path === undefined) continue;
      setPort(device, bus, path);
      this.#reserve(device);
      return;
    }
    throw failure("No free USB ports");
  }

  #reserve(device: Element): void {
    const bus = busOf(device) ?? 0;
    const port = portOf(device) ?? "";
    const where = `USB address bus: ${bus} port: ${port}`;
    const path = port.split(".").map(Number);
    const last = path.pop() ?? 0;
    let hub = this.#buses.get(bus);
    if (hub === undefined) throw wrong(`Missing USB bus ${bus}`);
    const isHub = device.name === "hub";
    for (const step of path) {
      if (isHub) hub.isFull = false;
      if (step > hub.count) throw wrong(`port ${step} out of range in ${where}`);
      const next: Hub | undefined = hub.hubs.get(step);
      if (next === undefined) throw wrong(`there is no hub at port ${step} in ${where}`);
      hub = next;
    }
    if (last > hub.count) throw wrong(`requested USB port ${port} not present on USB bus ${bus}`);
    if (hub.used.has(last)) throw wrong(`Duplicate USB address bus ${bus} port ${port}`);
    hub.used.add(last);
    if (!isHub) return;
    hub.isFull = false;
    hub.hubs.set(last, hubOf(hubPorts));
  }
}

/** The first free port of a hub, or of the hubs in it. */
function freePort(hub: Hub): string | undefined {
  if (hub.isFull) return undefined;
  if (hub.used.size < hub.count)
    for (let port = 1; port <= hub.count; port++) if (!hub.used.has(port)) return String(port);
  for (const [port, inner] of [...hub.hubs].toSorted(([one], [other]) => one - other)) {
    const found = freePort(inner);
    if (found !== undefined) return `${port}.${found}`;
  }
  hub.isFull = true;
  return undefined;
}

function addHubs(devices: Element): void {
  const controllers = devices.all("controller").filter((each) => each.attribute("type") === "usb");
  const demand = usbDevices(devices).length;
  const input = devices.all("input").some(isUsb);
  if (input && controllers.some((each) => each.attribute("model") === "none")) {
    const detail = "Can't add USB input device. USB bus is disabled";
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
  }
  if (demand > 0 && !controllers.some((each) => each.attribute("model") !== "none")) {
    const detail = "USB is disabled for this domain, but USB devices are present in the domain XML";
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
  }
  const hubs = devices.all("hub").length;
  // Each hub takes a port for itself.
  const supply = controllers.reduce((sum, each) => sum + portCount(each), hubs * (hubPorts - 1));
  const missing = demand > supply ? Math.ceil((demand - supply + 1) / (hubPorts - 1)) : 0;
  for (let count = 0; count < missing; count++) devices.children.push(new Element("hub", { type: "usb" }));
}

function usbDevices(devices: Element): Element[] {
  return order.flatMap((name) => devices.all(name).filter(isUsb));
}

export function isUsb(device: Element): boolean {
  switch (device.name) {
    case "hub":
    case "redirdev":
      return true;
    case "hostdev":
    case "controller":
      return device.attribute("type") === (device.name === "hostdev" ? "usb" : "ccid");
    case "disk":
      return device.first("target")?.attribute("bus") === "usb";
    case "input":
      return device.attribute("bus") === "usb";
    case "serial":
      return device.first("target")?.attribute("type") === "usb-serial";
    default:
      return device.name === "sound" && device.attribute("model") === "usb";
  }
}

function portCount(controller: Element): number {
  const model = controller.attribute("model") ?? "";
  if (model === "none" || model.startsWith("ich9-uhci")) return 0;
  if (model.endsWith("xhci")) return readNumber(controller.attribute("ports")) ?? 4;
  if (model === "ehci" || model === "ich9-ehci1") return 6;
  return model === "pci-ohci" ? 3 : 2;
}

function busOf(device: Element): number | undefined {
  return readNumber(device.first("address")?.attribute("bus"));
}

function portOf(device: Element): string | undefined {
  const address = device.first("address");
  return address?.attribute("type") === "usb" ? address.attribute("port") : undefined;
}

function setPort(device: Element, bus: number, port: string): void {
  let address = device.first("address");
  if (address === undefined) {
    address = new Element("address", { type: "usb" });
    device.children.push(address);
  }
  address.setAttribute("bus", String(bus));
  address.setAttribute("port", port);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.domain, detail);
}

function failure(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.domain, detail);
}
