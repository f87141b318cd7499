/**
 * What makes `before` into `after`, line by line: those that go with "-", those that come with "+", in their order; what
 * stays is left out. Takes time by the product of the lengths of what differs.
 */
export function lineChanges(before: string, after: string): string[] {
  const [one, other] = trimmed(before.split("\n"), after.split("\n"));
  const lengths = commonLengths(one, other);
  const changes: string[] = [];
  let [left, right] = [0, 0];
  while (left < one.length || right < other.length) {
    if (left < one.length && one[left] === other[right]) {
      left++;
      right++;
    } else if (right >= other.length || at(lengths, left + 1, right) >= at(lengths, left, right + 1)) {
      if (left < one.length) changes.push(`-${one[left++]}`);
      else changes.push(`+${other[right++]}`);
    } else changes.push(`+${other[right++]}`);
  }
  return changes;
}

/** Without what is the same at the beginning and at the end. */
function trimmed(one: readonly string[], other: readonly string[]): [string[], string[]] {
  const shorter = Math.min(one.length, other.length);
  let begin = 0;
  while (begin < shorter && one[begin] === other[begin]) begin++;
  let end = 0;
  while (end < shorter - begin && one.at(-1 - end) === other.at(-1 - end)) end++;
  return [one.slice(begin, one.length - end), other.slice(begin, other.length - end)];
}

/** At [left][right]: the length of the longest sequence that what follows there has in common. */
function commonLengths(one: readonly string[], other: readonly string[]): number[][] {
  const lengths = Array.from({ length: one.length + 1 }, () => Array.from({ length: other.length + 1 }, () => 0));
  for (let left = one.length - 1; left >= 0; left--) {
    for (let right = other.length - 1; right >= 0; right--) {
      const row = lengths[left] ?? [];
      row[right] =
        one[left] === other[right]
          ? at(lengths, left + 1, right + 1) + 1
          : Math.max(at(lengths, left + 1, right), at(lengths, left, right + 1));
    }
  }
  return lengths;
}

function at(lengths: readonly number[][], left: number, right: number): number {
  return lengths[left]?.[right] ?? 0;
}
