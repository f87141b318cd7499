import type { Element } from "../../../xml/index.ts";
import { addressOf, virtioDriver, virtioOptions } from "./address.ts";
import { characterBackend } from "./character-backend.ts";
import type { GuestContext } from "./guest-context.ts";
import { device, object, type Part } from "./part.ts";
import { number, unsupported } from "./reading.ts";

/** `<rng>`: a source of chance, and the device that hands it on. */
export function rng(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "rng");
  const rate = element.first("rate");
  const bytes = number(rate, "bytes");
  return [
    ...source(element.first("backend"), id),
    device(virtioDriver("virtio-rng", element), {
      ...virtioOptions(element),
      rng: `obj${id}`,
      id,
      "max-bytes": bytes,
      period: bytes === undefined ? undefined : (number(rate, "period") ?? 1000),
      bootindex: undefined,
      ...addressOf(element, context),
    }),
  ];
}

function source(backend: Element | undefined, id: string): Part[] {
  const model = backend?.attribute("model") ?? "random";
  const object_ = `obj${id}`;
  if (model === "builtin") return [object("rng-builtin", object_)];
  if (model === "random") return [object("rng-random", object_, { filename: backend?.text.trim() || "/dev/random" })];
  if (model !== "egd" || backend === undefined) throw unsupported(`rng backend '${model}' is not supported`);
  const chardev = `char${id}`;
  return [characterBackend(backend, chardev), object("rng-egd", object_, { chardev })];
}
