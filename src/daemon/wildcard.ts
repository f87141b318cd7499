/** Whether one of the patterns, in which * and ? stand for any characters and any one, is the whole of `text`. */
export function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => new RegExp(`^${wildcardSource(pattern)}$`, "su").test(text));
}

/** A run of * is one: what is tried stays short. */
export function wildcardSource(pattern: string): string {
  return pattern
    .replaceAll(/[\\^$.+()[\]{}|]/g, "\\$&")
    .replaceAll(/\*+/g, ".*")
    .replaceAll("?", ".");
}
