import { Element } from "../../../xml/index.ts";
import type { GuestKind } from "../definition/complete.ts";
import { unsupported } from "../errors.ts";
import { type BuildConfig, given, type HvmConfig } from "./parts.ts";

const modes: Readonly<Record<string, string>> = {
  native: "native",
  paravirt: "native_paravirt",
  emulate: "always_emulate",
  smpsafe: "native",
};

/** What a guest's clock is. Throws VirError. */
export function clockConfig(clock: Element, kind: GuestKind): BuildConfig & { readonly hvm: HvmConfig } {
  for (const timer of clock.all("timer")) checkTimer(timer, kind);
  const timer = (name: string): Element | undefined =>
    clock.all("timer").find((each) => each.attribute("name") === name);
  const offset = clock.attribute("offset") ?? "utc";
  if (!["utc", "localtime", "variable"].includes(offset)) throw unsupported(`unsupported clock offset '${offset}'`);
  const isLocal = offset === "localtime" || (offset === "variable" && clock.attribute("basis") === "localtime");
  const adjustment = offset === "variable" ? Number(clock.attribute("adjustment") ?? 0) : 0;
  return {
    ...given<BuildConfig>({
      tsc_mode: modes[timer("tsc")?.attribute("mode") ?? ""],
      localtime: isLocal ? true : undefined,
      // libxl takes a number without a sign for one with.
      rtc_timeoffset: adjustment === 0 ? undefined : adjustment >>> 0,
    }),
    hvm: timer("hpet")?.attribute("present") === "yes" ? { hpet: true } : {},
  };
}

function checkTimer(timer: Element, kind: GuestKind): void {
  const name = timer.attribute("name") ?? "";
  const known = kind === "hvm" ? ["tsc", "hpet"] : ["tsc"];
  if (!known.includes(name)) throw unsupported(`unsupported timer type (name) '${name}'`);
}

export function clockElement(
  { localtime, tsc_mode: tsc, rtc_timeoffset: seconds = 0 }: BuildConfig,
  hvm: HvmConfig,
): Element {
  const mode = Object.keys(modes).find((key) => modes[key] === tsc);
  const timers = [
    ...(mode === undefined ? [] : [new Element("timer", { name: "tsc", mode })]),
    ...(hvm.hpet === undefined ? [] : [new Element("timer", { name: "hpet", present: hvm.hpet ? "yes" : "no" })]),
  ];
  if (seconds === 0) return new Element("clock", { offset: localtime === true ? "localtime" : "utc" }, timers);
  const basis = localtime === true ? "localtime" : "utc";
  return new Element("clock", { offset: "variable", adjustment: String(seconds | 0), basis }, timers);
}
