/**
 * Keys in the numbers that QEMU takes: those of the first PC keyboard, 0x80 more for keys that came later. Facts of the Linux
 * kernel's tables for keyboards.
 */

/** virKeycodeSet */
const sets = ["linux", "xt", "atset1", "atset2", "atset3", "osx", "xt_kbd", "usb", "win32", "qnum"] as const;

/** From Linux's key 85 on, in order; 0: no such key. Below 84 the numbers are the same. */
const later = [
  0x76, 0x56, 0x57, 0x58, 0x73, 0x78, 0x77, 0x79, 0x70, 0x7b, 0x5c, 0x9c, 0x9d, 0xb5, 0x54, 0xb8, 0x5b, 0xc7, 0xc8,
  0xc9, 0xcb, 0xcd, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xef, 0xa0, 0xae, 0xb0, 0xde, 0x59, 0xce, 0xc6, 0x8b, 0x7e, 0xf2,
  0xf1, 0x7d, 0xdb, 0xdc, 0xdd,
];

/** From usage 4 of the keyboard page of USB on: Linux's keys. */
const usages = [
  30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44, 2, 3, 4, 5, 6,
  7, 8, 9, 10, 11, 28, 1, 14, 15, 57, 12, 13, 26, 27, 43, 43, 39, 40, 41, 51, 52, 53, 58, 59, 60, 61, 62, 63, 64, 65,
  66, 67, 68, 87, 88, 99, 70, 119, 110, 102, 104, 111, 107, 109, 106, 105, 108, 103, 69, 98, 55, 74, 78, 96, 79, 80, 81,
  75, 76, 77, 71, 72, 73, 82, 83, 86, 127, 116, 117,
];
/** From usage 224 on: the keys that are held. */
const held = [29, 42, 56, 125, 97, 54, 100, 126];

/** The name of a set, for errors; undefined: there is none. */
export function codeSetName(set: number): string | undefined {
  return sets[set];
}

/** Undefined: no such key, or of a set that is not known here. */
export function qemuKey(set: number, code: number): number | undefined {
  const name = sets[set];
  if (name === "linux") return fromLinux(code);
  if (name === "usb") return fromLinux(usages[code - 4] ?? held[code - 224] ?? 0);
  if (name === "xt_kbd" || name === "qnum") return code > 0 && code <= 0xff ? code : undefined;
  if (name !== "xt" && name !== "atset1") return undefined;
  if (code > 0 && code < 0x80) return code;
  return code >> 8 === 0xe0 ? (code & 0x7f) | 0x80 : undefined;
}

function fromLinux(code: number): number | undefined {
  if (code > 0 && code < 84) return code;
  return later[code - 85] || undefined;
}
