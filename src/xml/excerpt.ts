/** Characters that are shown, and how many of them before the mark. */
const width = 80;
const before = 60;

/**
 * At most 80 characters of the line around `position`, and under them a mark. `column` counts the line's characters
 * before `position`.
 */
export function excerpt(source: string, position: number, column: number): string {
  // A character is two units at most; what lies farther off is not looked at, however long the line is.
  const left = lastCharacters(source.slice(Math.max(0, position - 2 * before), position), Math.min(column, before));
  const right = Array.from(source.slice(position, position + 2 * width).split(/[\r\n]/, 1)[0] ?? "");
  const line = left + right.slice(0, width - Array.from(left).length).join("");
  return `${line}\n${"-".repeat(Math.max(0, Math.min(column, before) - 1))}^`;
}

/** The last `count` of what stands behind the last end of a line. */
function lastCharacters(source: string, count: number): string {
  const characters = Array.from(source.split(/[\r\n]/).at(-1) ?? "");
  return characters.slice(Math.max(0, characters.length - count)).join("");
}
