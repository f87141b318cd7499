import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element, type Node } from "../../../xml/index.ts";
import { readNumber, setDefault } from "../../objects/element-edit.ts";

/** Controllers of a kind by their numbers, as they are inserted one by one; those without a number keep their turn. */
export function sortControllers(controllers: readonly Element[]): Element[] {
  const sorted: Sorted[] = [];
  for (const controller of controllers) {
    const one = {
      controller,
      type: controller.attribute("type"),
      number: readNumber(controller.attribute("index")),
      isMaster: controller.first("master") === undefined,
    };
    sorted.splice(placeFor(one, sorted), 0, one);
  }
  return sorted.map(({ controller }) => controller);
}

interface Sorted {
  readonly controller: Element;
  readonly type: string | undefined;
  readonly number: number | undefined;
  readonly isMaster: boolean;
}

function placeFor({ type, number, isMaster }: Sorted, sorted: readonly Sorted[]): number {
  let place: number | undefined;
  for (let at = sorted.length - 1; at >= 0; at--) {
    const other = sorted[at];
    if (other === undefined || other.type !== type) continue;
    if (number === undefined) return at + 1;
    const othersNumber = other.number ?? -1;
    if (othersNumber > number || (isMaster && !other.isMaster && othersNumber === number)) place = at;
    else place ??= at + 1;
  }
  return place ?? sorted.length;
}

/** Gives controllers the lowest number that is free among their kind; companions that of the one before. */
export function numberControllers(devices: Element): void {
  const controllers = devices.all("controller");
  let previous: Element | undefined;
  for (const controller of controllers) {
    if (controller.attribute("index") === undefined) {
      const isCompanion =
        isUsb2(controller) && previous !== undefined && isUsb2(previous) && !isSameModel(controller, previous);
      const index = isCompanion ? previous?.attribute("index") : undefined;
      controller.setAttribute("index", index ?? String(freeIndex(controllers, controller)));
    } else {
      controller.setAttribute("index", String(readNumber(controller.attribute("index")) ?? 0));
    }
    previous = controller;
  }
}

function isUsb2(controller: Element): boolean {
  return controller.attribute("type") === "usb" && /^ich9-(ehci1|uhci[123])$/.test(controller.attribute("model") ?? "");
}

function isSameModel(one: Element, other: Element): boolean {
  return one.attribute("model") === other.attribute("model");
}

function freeIndex(controllers: readonly Element[], controller: Element): number {
  const kind = controllers.filter((each) => each.attribute("type") === controller.attribute("type"));
  const taken = new Set(kind.map((each) => readNumber(each.attribute("index"))));
  let index = 0;
  while (taken.has(index)) index++;
  return index;
}

/** Fills in what libvirt's QEMU driver fills in at a controller. Throws VirError. */
export function completeController(controller: Element): void {
  setDefault(controller, "index", "0");
  const type = controller.attribute("type");
  const model = controller.attribute("model");
  if (type === "usb") setDefault(controller, "model", "piix3-uhci");
  if (type === "scsi" && (model === undefined || model === "auto")) controller.setAttribute("model", "lsilogic");
  const hasIoThread = controller.first("driver")?.attribute("iothread") !== undefined;
  if (hasIoThread && (type !== "scsi" || !model?.startsWith("virtio-"))) {
    const detail = "'iothread' attribute only supported for virtio scsi controllers";
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.domain, detail);
  }
}

export function findController(devices: Element, type: string, index: number): Element | undefined {
  const isIt = (each: Node): each is Element =>
    each.kind === "element" &&
    each.name === "controller" &&
    each.attribute("type") === type &&
    readNumber(each.attribute("index")) === index;
  return devices.children.find(isIt);
}

/** Adds a controller behind all others where it is not there. */
export function ensureController(devices: Element, type: string, index: number, model?: string): void {
  if (findController(devices, type, index) !== undefined) return;
  const attributes = { type, index: String(index), ...(model === undefined ? {} : { model }) };
  devices.children.push(new Element("controller", attributes));
}
