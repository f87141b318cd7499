import type { Element } from "../../../xml/index.ts";
import { addressOf } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { argument, device, type Part } from "./part.ts";
import { unsupported } from "./reading.ts";

const cards: Readonly<Record<string, string>> = {
  ac97: "AC97",
  es1370: "ES1370",
  sb16: "sb16",
  usb: "usb-audio",
};
/** Controllers, on which codecs sit. */
const buses: Readonly<Record<string, string>> = { ich6: "intel-hda", ich9: "ich9-intel-hda" };
const codecs: Readonly<Record<string, string>> = { duplex: "hda-duplex", micro: "hda-micro", output: "hda-output" };

/** `<sound>`. */
export function sound(element: Element, context: GuestContext): Part[] {
  const model = element.attribute("model") ?? "";
  const id = context.idOf(element, "sound");
  const place = addressOf(element, context);
  const audiodev = audioOf(element, context);
  const [card, bus] = [cards[model], buses[model]];
  if (model === "pcspk") return audiodev === undefined ? [] : [argument("-machine", `pcspk-audiodev=${audiodev}`)];
  if (card !== undefined) return [device(card, { id, audiodev, ...place })];
  if (bus === undefined) throw unsupported(`sound card model '${model}' is not supported`);
  const wanted = element.all("codec").map((codec) => codec.attribute("type") ?? "");
  return [
    device(bus, { id, ...place }),
    ...(wanted.length === 0 ? ["duplex"] : wanted).map((type, cad) => {
      const driver = codecs[type];
      if (driver === undefined) throw unsupported(`sound codec '${type}' is not supported`);
      return device(driver, { id: `${id}-codec${cad}`, bus: `${id}.0`, cad, audiodev });
    }),
  ];
}

function audioOf(element: Element, context: GuestContext): string | undefined {
  const chosen = element.first("audio")?.attribute("id") ?? context.all("audio")[0]?.attribute("id");
  if (chosen !== undefined && !/^\d+$/.test(chosen)) throw unsupported(`audio '${chosen}' is not a number`);
  return chosen === undefined ? undefined : `audio${chosen}`;
}
