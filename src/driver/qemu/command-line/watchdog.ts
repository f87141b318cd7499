import type { Element } from "../../../xml/index.ts";
import { addressOf } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { argument, command, device, type Part } from "./part.ts";
import { oneOf, unsupported } from "./reading.ts";

const actions = ["reset", "shutdown", "poweroff", "pause", "none", "inject-nmi", "dump"] as const;

/** `<watchdog>`. All of a guest's have one action; a dump is the driver's to make, of a guest that has stopped. */
export function watchdog(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "watchdog");
  const action = oneOf(element.attribute("action") ?? "reset", actions, "watchdog action");
  const effective = action === "dump" ? "pause" : action;
  return [...watchdogDevice(element, id, context), command("watchdog-set-action", { action: effective })];
}

function watchdogDevice(element: Element, id: string, context: GuestContext): Part[] {
  const model = element.attribute("model") ?? "";
  if (model === "i6300esb") return [device("i6300esb", { id, ...addressOf(element, context) })];
  if (model === "ib700") return [device("ib700", { id })];
  // The chip set's own: it has but to be let loose.
  if (model === "itco" && context.isQ35) return [argument("-global", "ICH9-LPC.noreboot=off")];
  throw unsupported(`watchdog model '${model}' is not supported`);
}
