import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import { optionText } from "./option-text.ts";
import { argument, type Part } from "./part.ts";
import { failure, oneOf } from "./reading.ts";

/** `<sysinfo>`: what the firmware tells the guest about its machine, and files that it finds there. */
export function systemInformation({ root }: GuestContext): Part[] {
  const mode = oneOf(root.find("os", "smbios")?.attribute("mode") ?? "emulate", ["emulate", "sysinfo"], "smbios mode");
  return root.all("sysinfo").flatMap((element) => {
    if (element.attribute("type") === "fwcfg") return element.all("entry").map(file);
    return mode === "sysinfo" ? tables(element) : [];
  });
}

/** QEMU's names for libvirt's entries, by block and its type. */
const blocks: readonly (readonly [name: string, type: number, entries: Readonly<Record<string, string>>])[] = [
  ["bios", 0, { vendor: "vendor", version: "version", date: "date", release: "release" }],
  [
    "system",
    1,
    {
      manufacturer: "manufacturer",
      product: "product",
      version: "version",
      serial: "serial",
      uuid: "uuid",
      sku: "sku",
      family: "family",
    },
  ],
  [
    "baseBoard",
    2,
    {
      manufacturer: "manufacturer",
      product: "product",
      version: "version",
      serial: "serial",
      asset: "asset",
      location: "location",
    },
  ],
  ["chassis", 3, { manufacturer: "manufacturer", version: "version", serial: "serial", asset: "asset", sku: "sku" }],
];

function tables(sysinfo: Element): Part[] {
  const parts = blocks.flatMap(([name, type, entries]) =>
    sysinfo.all(name).map((block) => {
      const values = Object.entries(entries).map(([ours, theirs]) => [theirs, entry(block, ours)]);
      return argument("-smbios", optionText({ type, ...Object.fromEntries(values) }));
    }),
  );
  const strings = sysinfo.first("oemStrings")?.all("entry") ?? [];
  if (strings.length === 0) return parts;
  const values = strings.map((each) => optionText({ value: each.text }));
  return [...parts, argument("-smbios", ["type=11", ...values].join(","))];
}

function entry(block: Element, name: string): string | undefined {
  const found = block.all("entry").find((each) => each.attribute("name") === name);
  return found?.text.trim() || undefined;
}

function file(entry: Element): Part {
  const name = entry.attribute("name") ?? "";
  if (!name.startsWith("opt/")) throw failure(`fw_cfg entry '${name}' must start with 'opt/'`);
  const path = entry.attribute("file");
  return argument("-fw_cfg", optionText(path === undefined ? { name, string: entry.text } : { name, file: path }));
}
