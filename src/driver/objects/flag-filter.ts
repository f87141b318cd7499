/** What the flags of lists ask for. */
export interface ListedObject {
  readonly isActive: boolean;
  readonly persistent: boolean;
  readonly autostart: boolean;
}

/** A bit of a list's flags, and what an object has to be for it. */
export type Choice<T> = readonly [bit: number, test: (object: T) => boolean];

/** Two bits: with something, and without. */
export function pair<T>(bit: number, otherBit: number, test: (object: T) => boolean): Choice<T>[] {
  return [
    [bit, test],
    [otherBit, (object) => !test(object)],
  ];
}

/** Of each group of which bits are set, an object has to pass one. */
export function select<T>(
  objects: Iterable<T>,
  groups: readonly (readonly Choice<T>[])[],
  flags: number,
): readonly T[] {
  const wanted = groups.map((group) => group.filter(([bit]) => (flags & bit) !== 0)).filter(({ length }) => length > 0);
  return [...objects].filter((object) => wanted.every((group) => group.some(([, test]) => test(object))));
}

/** All the bits that the groups know. */
export function bitsOf<T>(groups: readonly (readonly Choice<T>[])[]): number {
  return groups.flat().reduce((bits, [bit]) => bits | bit, 0);
}
