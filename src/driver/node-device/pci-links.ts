/** What a link of PCI Express can do ("cap"), or does ("sta"). */
export interface PciLink {
  readonly validity: "cap" | "sta";
  readonly port?: number;
  /** In GT/s; absent when none is known by its number. */
  readonly speed?: string;
  readonly width: number;
}

const speeds: readonly (string | undefined)[] = [undefined, "2.5", "5", "8", "16", "32", "64"];
const hasCapabilities = 0x10;
const expressId = 0x10;
/** Endpoints within the chipset, and collectors of events, have no link. */
const withoutLink: readonly number[] = [9, 10];

/** The links of a device whose configuration space begins so: PCI Express Base Specification, 7.5.3. */
export function linksOf(config: Buffer): PciLink[] {
  const at = findExpress(config);
  if (at === undefined || at + 0x14 > config.length) return [];
  if (withoutLink.includes((config.readUInt16LE(at + 2) >> 4) & 0xf)) return [];
  const able = config.readUInt32LE(at + 0x0c);
  const present = config.readUInt16LE(at + 0x12);
  return [
    { validity: "cap", port: able >>> 24, ...speedOf(able), width: widthOf(able) },
    { validity: "sta", ...speedOf(present), width: widthOf(present) },
  ];
}

/** Where the capability of PCI Express begins. */
function findExpress(config: Buffer): number | undefined {
  if (config.length < 64 || (config.readUInt16LE(6) & hasCapabilities) === 0) return undefined;
  let at = config.readUInt8(0x34) & ~3;
  // A chain that bites its own tail ends here: there is no room for more.
  for (let links = 0; links < 48 && at >= 0x40 && at + 2 <= config.length; links++) {
    if (config.readUInt8(at) === expressId) return at;
    at = config.readUInt8(at + 1) & ~3;
  }
  return undefined;
}

function speedOf(word: number): { readonly speed?: string } {
  const speed = speeds[word & 0xf];
  return speed === undefined ? {} : { speed };
}

function widthOf(word: number): number {
  return (word >> 4) & 0x3f;
}
