import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";

/** The highest number that a set of processors or memory nodes may have. */
const highest = 16_383;

/** The numbers that "0-3,^2,8" means, in order. Throws VirError. */
export function readNumberSet(text: string): number[] {
  const numbers = new Set<number>();
  for (const part of text.split(",").map((each) => each.trim())) {
    const [, without, first, last = first] = /^(\^?)(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) > highest || Number(last) < Number(first)) throw wrong(text);
    for (let number = Number(first); number <= Number(last); number++) {
      if (without === "^") numbers.delete(number);
      else numbers.add(number);
    }
  }
  return [...numbers].toSorted((one, other) => one - other);
}

/** As libvirt writes a set: "0-1,3,8". */
export function writeNumberSet(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}

export function normalNumberSet(text: string): string {
  return writeNumberSet(readNumberSet(text));
}

function wrong(text: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.none, `Failed to parse bitmap '${text}'`);
}
