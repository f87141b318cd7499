import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { readNumber } from "../../objects/element-edit.ts";

const defaultPorts = 31;

/** Gives channels and consoles of virtio their ports, and adds the controllers that this takes. Throws VirError. */
export function assignVirtioSerialAddresses(devices: Element): void {
  const ports = new VirtioSerialPorts(devices);
  for (const console of devices.all("console").filter(isVirtioPort)) ports.plug(console, true);
  for (const channel of devices.all("channel").filter(isVirtioPort)) ports.plug(channel, false);
}

/** A channel or a console that is a port of a virtio-serial controller. */
export function isVirtioPort(device: Element): boolean {
  return ["console", "channel"].includes(device.name) && device.first("target")?.attribute("type") === "virtio";
}

interface Controller {
  readonly count: number;
  readonly used: Set<number>;
}

/** Which ports of which controllers are taken. */
export class VirtioSerialPorts {
  readonly #devices: Element;
  readonly #controllers = new Map<number, Controller>();

  /** Throws VirError where two have a port. */
  constructor(devices: Element) {
    this.#devices = devices;
    const known = devices.all("controller").filter((each) => each.attribute("type") === "virtio-serial");
    const byIndex = known.map((each) => [readNumber(each.attribute("index")) ?? 0, each] as const);
    for (const [index, controller] of byIndex.toSorted(([one], [other]) => one - other)) {
      const count = readNumber(controller.attribute("ports")) ?? defaultPorts;
      this.#controllers.set(index, { count, used: new Set() });
    }
    for (const device of devices.elements().filter(isVirtioPort)) {
      const { controller, port } = placeOf(device) ?? {};
      if (controller !== undefined && port !== undefined && port !== 0) this.#use(controller, port);
    }
  }

  /** Port 0 is for consoles; a device that names a controller gets one there. Throws VirError. */
  plug(device: Element, mayHaveZero: boolean): void {
    const place = placeOf(device);
    if (place?.port) return;
    const first = mayHaveZero && place === undefined ? 0 : 1;
    const { controller, port } =
      place === undefined
        ? this.#find(first)
        : { controller: place.controller, port: this.#freePort(place.controller) };
    this.#use(controller, port);
    // A console's place is not written down: it is what its number among the consoles says.
    if (mayHaveZero) return;
    const address = new Element("address", {
      type: "virtio-serial",
      controller: String(controller),
      bus: "0",
      port: String(port),
    });
    const old = device.first("address");
    if (old === undefined) device.children.push(address);
    else device.children[device.children.indexOf(old)] = address;
  }

  #find(first: number): { controller: number; port: number } {
    for (const [controller, { count, used }] of this.#controllers) {
      for (let port = first; port < count; port++) if (!used.has(port)) return { controller, port };
    }
    let controller = 0;
    while (this.#controllers.has(controller)) controller++;
    this.#controllers.set(controller, { count: defaultPorts, used: new Set() });
    const attributes = { type: "virtio-serial", index: String(controller) };
    this.#devices.children.push(new Element("controller", attributes));
    return { controller, port: first };
  }

  #freePort(index: number): number {
    const controller = this.#controllers.get(index);
    if (controller === undefined) {
      const detail = `virtio-serial controller ${index} not available`;
      throw VirError.of(ErrorCode.internalError, ErrorDomain.domain, detail);
    }
    for (let port = 1; port < controller.count; port++) if (!controller.used.has(port)) return port;
    throw wrong(`Unable to find a free port on virtio-serial controller ${index}`);
  }

  #use(index: number, port: number): void {
    const controller = this.#controllers.get(index);
    if (controller === undefined) throw wrong(`virtio serial controller ${index} is missing`);
    if (port >= controller.count) throw wrong(`virtio serial controller ${index} does not have port ${port}`);
    if (controller.used.has(port)) {
      throw wrong(`virtio serial port ${port} on controller ${index} is already occupied`);
    }
    controller.used.add(port);
  }
}

function placeOf(device: Element): { controller: number; port: number } | undefined {
  const address = device.first("address");
  if (address?.attribute("type") !== "virtio-serial") return undefined;
  return {
    controller: readNumber(address.attribute("controller")) ?? 0,
    port: readNumber(address.attribute("port")) ?? 0,
  };
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.domain, detail);
}
