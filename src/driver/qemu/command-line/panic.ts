import type { Element } from "../../../xml/index.ts";
import { addressOf } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { device, type Part } from "./part.ts";
import { number, unsupported } from "./reading.ts";

/** `<panic>`: through it the guest says that it has crashed. Hyper-V's way is a feature of the processor. */
export function panic(element: Element, context: GuestContext): Part[] {
  const model = element.attribute("model") ?? "isa";
  if (model === "isa") return [device("pvpanic", { ioport: number(element.first("address"), "iobase") })];
  if (model === "pvpanic") {
    return [device("pvpanic-pci", { id: context.idOf(element, "panic"), ...addressOf(element, context) })];
  }
  if (model === "hyperv") return [];
  throw unsupported(`panic device of model '${model}' is not supported`);
}
