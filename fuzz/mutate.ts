import type { Random } from "./random.ts";

/** Longest input: what grows beyond is cut. */
export const longest = 65_536;

/** Where lengths and counts go wrong. */
const words = [0, 1, 4, 28, 255, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 16_384, 65_536, 4_194_304];

/** One input from others: some bytes changed, taken away, doubled, put in or taken from another one. */
export function mutate(random: Random, corpus: readonly Uint8Array[], dictionary: readonly Uint8Array[]): Uint8Array {
  let input: Uint8Array = random.pick(corpus) ?? new Uint8Array();
  for (let changes = 1 + random.below(1 << random.below(6)); changes > 0; changes--) {
    input = change(random, input, corpus, dictionary);
  }
  return input.subarray(0, longest);
}

function change(
  random: Random,
  input: Uint8Array,
  corpus: readonly Uint8Array[],
  dictionary: readonly Uint8Array[],
): Uint8Array {
  const at = random.below(input.length + 1);
  const length = random.below(Math.min(input.length - at, 1 << random.below(10)) + 1);
  switch (random.below(8)) {
    case 0:
      return splice(input, at, Math.min(1, input.length - at), [random.below(256)]);
    case 1:
      return splice(input, at, Math.min(1, input.length - at), [(input[at] ?? 0) ^ (1 << random.below(8))]);
    case 2:
      return splice(input, at, length, []);
    case 3:
      return splice(input, at, 0, repeat(input.subarray(at, at + length), 1 + random.below(1 << random.below(8))));
    case 4:
      return splice(input, at, 0, random.pick(dictionary) ?? []);
    case 5:
      return splice(input, at, length, random.pick(dictionary) ?? []);
    case 6:
      return splice(input, at & ~3, Math.min(4, input.length - (at & ~3)), word(random.pick(words) ?? 0));
    default:
      return splice(input, at, length, part(random, random.pick(corpus) ?? input));
  }
}

function part(random: Random, other: Uint8Array): Uint8Array {
  const from = random.below(other.length);
  return other.subarray(from, from + 1 + random.below(other.length - from));
}

function repeat(bytes: Uint8Array, times: number): Uint8Array {
  const count = Math.min(times, Math.floor(longest / Math.max(1, bytes.length)));
  const repeated = new Uint8Array(bytes.length * count);
  for (let index = 0; index < count; index++) repeated.set(bytes, index * bytes.length);
  return repeated;
}

function word(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function splice(input: Uint8Array, at: number, removed: number, added: ArrayLike<number>): Uint8Array {
  const output = new Uint8Array(input.length - removed + added.length);
  output.set(input.subarray(0, at));
  output.set(added, at);
  output.set(input.subarray(at + removed), at + added.length);
  return output;
}
