/** As a program reads it: 64 bit as text, as JSON has no such numbers. */
export function jsonText(value: unknown, indent = 2): string {
  return `${JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? String(each) : each), indent)}\n`;
}
