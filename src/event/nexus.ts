/**
 * What stands for an object of ours outside: in the kernel's event data, in a C library's cookie, in another thread.
 * It is `generation * slotLimit + slot`, so it fits a pointer, a double and two 32-bit words, is never 0 and is never
 * issued twice.
 */
export type Token = number;

const slotLimit = 2 ** 21;
const generationLimit = 2 ** 32;

export function slotOf(token: Token): number {
  return token % slotLimit;
}

export function generationOf(token: Token): number {
  return Math.floor(token / slotLimit);
}

export function tokenOf(slot: number, generation: number): Token {
  return generation * slotLimit + slot;
}

/**
 * The indirection between a foreign token and our object that makes a stale callback harmless.
 *
 * Why a token that comes back late cannot reach a wrong object: a slot's generation grows each time the slot is
 * retired, `resolve` compares the token's generation with the slot's, and a slot whose generations are used up is
 * never issued again. So for every token there is at most one object for all time, and after `retire` there is none.
 * Numbers that the outside reuses (descriptors, pids, addresses) play no part in it.
 */
export class Nexus<T extends object> {
  readonly #values: (T | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  #size = 0;

  /** How many tokens are out. */
  get size(): number {
    return this.#size;
  }

  /** Issues a token for `value`. Throws RangeError when 2^21 tokens are out at once. */
  issue(value: T): Token {
    const slot = this.#free.pop() ?? this.#values.length;
    if (slot >= slotLimit) throw new RangeError(`more than ${slotLimit} registrations at once`);
    this.#values[slot] = value;
    const generation = (this.#generations[slot] ??= 1);
    this.#size++;
    return tokenOf(slot, generation);
  }

  /** The object the token was issued for, unless it has been retired. */
  resolve(token: Token): T | undefined {
    const slot = slotOf(token);
    return this.isCurrent(slot, generationOf(token)) ? this.#values[slot] : undefined;
  }

  /** The comparison that everything rests on; a method of its own so that the race lab can show what it is for. */
  isCurrent(slot: number, generation: number): boolean {
    return this.#generations[slot] === generation;
  }

  /** From here on the token resolves to nothing. False when it did so already. */
  retire(token: Token): boolean {
    if (this.resolve(token) === undefined) return false;
    const slot = slotOf(token);
    const next = generationOf(token) + 1;
    this.#values[slot] = undefined;
    this.#generations[slot] = next;
    this.#size--;
    if (next < generationLimit) this.#free.push(slot);
    return true;
  }
}
