import { displayWidth } from "./display-width.ts";
import type { Listing } from "./verb.ts";

/** As virsh writes tables: columns as wide as their widest cell, three spaces between them. */
export function tableText({ columns, rows }: Listing, hasHead = true): string {
  const lines = hasHead ? [columns, ...rows] : rows;
  const widths = columns.map((_, column) => Math.max(0, ...lines.map((line) => displayWidth(line[column] ?? ""))));
  const write = (line: readonly string[]): string =>
    line
      .map((cell, column) => {
        const isLast = column === line.length - 1;
        return ` ${cell}${isLast ? "" : " ".repeat((widths[column] ?? 0) - displayWidth(cell) + 2)}`;
      })
      .join("");
  const dashes = "-".repeat(widths.reduce((sum, width) => sum + width + 3, 0));
  const head = hasHead ? [write(columns), dashes] : [];
  return [...head, ...rows.map(write)].map((line) => `${line}\n`).join("");
}

/** "Name:   value" lines, the values below each other. */
export function fieldsText(fields: readonly (readonly [name: string, value: string])[], width: number): string {
  return fields.map(([name, value]) => `${`${name}:`.padEnd(width)}${value}\n`).join("");
}

/** As virsh writes bytes: "100.00 GiB". */
export function bytesText(bytes: bigint, digits = 2): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let value = Number(bytes);
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** As virsh writes moments, in this machine's time zone: "2026-11-29 03:24:15". */
export function localTime(ms: number): string {
  const when = new Date(ms);
  const two = (number: number): string => String(number).padStart(2, "0");
  const date = [when.getFullYear(), two(when.getMonth() + 1), two(when.getDate())].join("-");
  return `${date} ${[when.getHours(), when.getMinutes(), when.getSeconds()].map(two).join(":")}`;
}

/** How far this machine's clocks are ahead of UTC then: "+0000". */
export function zoneText(ms: number): string {
  const minutes = -new Date(ms).getTimezoneOffset();
  const two = (number: number): string => String(Math.trunc(number)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}${two(Math.abs(minutes) % 60)}`;
}
