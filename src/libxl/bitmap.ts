import { calloc, copyOf, free, type Pointer, type RawLibrary, readInt, readPointer } from "./raw.ts";
import type { Layout } from "./versions.ts";

interface Origin {
  readonly raw: RawLibrary;
  readonly layout: Layout;
  readonly context: Pointer;
}

/** A libxl_bitmap with these bits set, until `freeBitmap`; a number is libxl's error. */
export function newBitmap({ raw, layout, context }: Origin, bits: readonly number[]): Pointer | number {
  const map = calloc(1, layout.bitmap.size);
  raw.initBitmap(map);
  const rc = raw.allocBitmap(context, map, Math.max(0, ...bits) + 1);
  if (rc !== 0) {
    freeBitmap(raw, map);
    return rc;
  }
  for (const bit of bits) raw.setBit(map, bit);
  return map;
}

export function freeBitmap(raw: RawLibrary, map: Pointer): void {
  raw.disposeBitmap(map);
  free(map);
}

/** The bits that are set in the libxl_bitmap at `map`: its size in bytes, and where they are. */
export function readBitmap(map: Pointer): number[] {
  const bytes = readInt(map) === 0 ? new Uint8Array() : copyOf(readPointer(map, 8), readInt(map));
  return Array.from({ length: 8 * bytes.length }, (_, bit) => bit).filter(
    (bit) => ((bytes[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0,
  );
}
