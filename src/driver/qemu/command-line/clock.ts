import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import { optionText } from "./option-text.ts";
import { argument, type Part } from "./part.ts";
import { failure, flag, oneOf, unsupported } from "./reading.ts";

/** `<clock>` and `<pm>`: the real-time clock, the interval timer, and whether the guest may sleep. */
export function clock(context: GuestContext): Part[] {
  const element = context.root.first("clock");
  const rtc = timer(element, "rtc");
  const track = rtc?.attribute("track");
  const policy = rtc?.attribute("tickpolicy");
  const options = optionText({
    base: base(element, context.options.nowMs),
    clock: track === undefined ? undefined : tracks[oneOf(track, ["guest", "wall", "realtime"], "rtc track")],
    driftfix: policy === undefined ? undefined : drifts[oneOf(policy, ["catchup", "delay"], "rtc tickpolicy")],
  });
  return [argument("-rtc", options), ...intervalTimer(element), ...sleepStates(context)];
}

const tracks = { guest: "vm", wall: "host", realtime: "rt" } as const;
const drifts = { catchup: "slew", delay: undefined } as const;

function timer(clock: Element | undefined, name: string): Element | undefined {
  return clock?.all("timer").find((each) => each.attribute("name") === name);
}

function base(clock: Element | undefined, nowMs: number): string {
  const offset = clock?.attribute("offset") ?? "utc";
  if (offset === "utc" || offset === "localtime") return offset;
  if (offset === "absolute") return iso(whole(clock, "start"));
  if (offset !== "variable") throw unsupported(`clock offset '${offset}' is not supported`);
  const basis = oneOf(clock?.attribute("basis") ?? "utc", ["utc", "localtime"], "clock basis");
  const shift = basis === "localtime" ? -new Date(nowMs).getTimezoneOffset() * 60 : 0;
  return iso(Math.floor(nowMs / 1000) + shift + whole(clock, "adjustment"));
}

/** Seconds since 1970, as QEMU reads them. */
function iso(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw failure("the clock starts at a time that cannot be written");
  return date.toISOString().replace(/\.\d+Z$/, "");
}

function whole(clock: Element | undefined, name: string): number {
  const text = clock?.attribute(name) ?? "0";
  if (!/^-?\d{1,15}$/.test(text)) throw failure(`invalid '${name}' of the clock: '${text}'`);
  return Number(text);
}

function intervalTimer(clock: Element | undefined): Part[] {
  const policy = timer(clock, "pit")?.attribute("tickpolicy");
  if (policy === undefined) return [];
  return [argument("-global", `kvm-pit.lost_tick_policy=${oneOf(policy, ["delay", "discard"], "pit tickpolicy")}`)];
}

function sleepStates({ root, isQ35, isX86 }: GuestContext): Part[] {
  const chip = isQ35 ? "ICH9-LPC" : "PIIX4_PM";
  const states = [
    ["suspend-to-mem", "disable_s3"],
    ["suspend-to-disk", "disable_s4"],
  ] as const;
  return states.flatMap(([name, property]) => {
    const isEnabled = flag(root.find("pm", name), "enabled");
    return isEnabled === undefined || !isX86 ? [] : [argument("-global", `${chip}.${property}=${isEnabled ? 0 : 1}`)];
  });
}
