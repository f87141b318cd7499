/** A dictionary of texts. */
export function texts(...values: readonly string[]): Uint8Array[] {
  return values.map((value) => new TextEncoder().encode(value));
}

/** A dictionary of words of the wire: 4 bytes each, the highest first. */
export function words(...values: readonly number[]): Uint8Array[] {
  return values.map((value) => Uint8Array.from([value >>> 24, value >>> 16, value >>> 8, value]));
}
