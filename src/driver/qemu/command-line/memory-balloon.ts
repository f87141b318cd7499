import type { Element } from "../../../xml/index.ts";
import { addressOf, virtioDriver, virtioOptions } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { command, device, type Part } from "./part.ts";
import { flag, number, unsupported } from "./reading.ts";

/** `<memballoon>`, and how often the guest tells about its memory. */
export function memoryBalloon(element: Element, context: GuestContext): Part[] {
  const model = element.attribute("model") ?? "virtio";
  if (model === "none") return [];
  if (!model.startsWith("virtio")) throw unsupported(`memballoon model '${model}' is not supported`);
  const id = context.idOf(element, "balloon");
  const balloon = device(virtioDriver("virtio-balloon", element), {
    ...virtioOptions(element),
    id,
    "deflate-on-oom": flag(element, "autodeflate"),
    "free-page-reporting": flag(element, "freePageReporting"),
    ...addressOf(element, context),
  });
  const seconds = number(element.first("stats"), "period") ?? 0;
  if (seconds === 0) return [balloon];
  const path = `/machine/peripheral/${id}`;
  return [balloon, command("qom-set", { path, property: "guest-stats-polling-interval", value: seconds })];
}
