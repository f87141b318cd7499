import type { Element } from "../../../xml/index.ts";
import { plain } from "./json.ts";
import { argument, type Part, type Properties } from "./part.ts";
import { flag, number, unsupported } from "./reading.ts";

/** `<audio>`: where what the guest plays goes. A root daemon has no desktop to play it on, whatever could. */
const drivers: Readonly<Record<string, string>> = {
  none: "none",
  file: "wav",
  spice: "spice",
  alsa: "alsa",
  oss: "oss",
};

export function audio(element: Element): Part[] {
  const type = element.attribute("type") ?? "none";
  const driver = drivers[type];
  if (driver === undefined) throw unsupported(`audio backend '${type}' is not supported`);
  const id = number(element, "id");
  const properties: Properties = {
    id: `audio${id ?? 1}`,
    driver,
    "timer-period": number(element, "timerPeriod"),
    path: type === "file" ? element.attribute("path") : undefined,
    in: direction(element.first("input")),
    out: direction(element.first("output")),
  };
  return [argument("-audiodev", JSON.stringify(plain(properties, () => "")))];
}

function direction(element: Element | undefined): Properties | undefined {
  if (element === undefined) return undefined;
  const settings = element.first("settings");
  return {
    "mixing-engine": flag(element, "mixingEngine"),
    "fixed-settings": flag(element, "fixedSettings"),
    voices: number(element, "voices"),
    "buffer-length": number(element, "bufferLength"),
    frequency: number(settings, "frequency"),
    channels: number(settings, "channels"),
    format: settings?.attribute("format"),
    dev: element.attribute("dev"),
  };
}
