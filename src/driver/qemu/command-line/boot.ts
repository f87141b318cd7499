import type { GuestContext } from "./guest-context.ts";
import { optionText } from "./option-text.ts";
import { argument, type Part } from "./part.ts";
import { flag, number, unsupported } from "./reading.ts";

/** How the firmware boots, or the kernel that is booted without it. */
export function boot({ root }: GuestContext): Part[] {
  const os = root.first("os");
  const menu = os?.first("bootmenu");
  const timeout = os?.first("bios")?.attribute("rebootTimeout");
  if (timeout !== undefined && !/^(-1|\d{1,5})$/.test(timeout))
    throw unsupported(`rebootTimeout '${timeout}' is not in range [-1,65535]`);
  const options = optionText({
    menu: flag(menu, "enable"),
    "splash-time": number(menu, "timeout"),
    "reboot-timeout": timeout,
    strict: true,
  });
  return [argument("-boot", options), ...kernel(root.first("os"))];
}

function kernel(os: GuestContext["root"] | undefined): Part[] {
  const options = [
    ["-kernel", "kernel"],
    ["-initrd", "initrd"],
    ["-append", "cmdline"],
    ["-dtb", "dtb"],
  ] as const;
  const parts = options.flatMap(([option, name]) => {
    const value = os?.first(name)?.text.trim() ?? "";
    return value === "" ? [] : [argument(option, value)];
  });
  const table = os?.find("acpi", "table");
  const file = table?.text.trim() ?? "";
  return file === "" ? parts : [...parts, argument("-acpitable", optionText({ sig: "SLIC", file }))];
}
