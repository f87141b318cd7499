import type { FileHandle } from "node:fs/promises";

/** What the first bytes of a disk image say about it. */
export interface ImageHeader {
  readonly format: string;
  /** In bytes; absent for one without a size of its own: that of the file counts. */
  readonly capacity?: bigint;
  readonly backing?: { readonly path: string; readonly format?: string };
  /** Of qcow2 alone, as in the wire's XML. */
  readonly compat?: string;
  readonly clusterSize?: number;
  readonly features?: readonly string[];
}

const headerLength = 512;
const raw: ImageHeader = { format: "raw" };
/** Names of backing files are no longer: the format says so. */
const longestName = 1023;

/** Reads it; what is not known is raw. Throws no error over what is in the file. */
export async function readHeader(file: FileHandle): Promise<ImageHeader> {
  const bytes = await readAt(file, 0, headerLength);
  if (startsWith(bytes, "QFI\xfb")) return bytes.length < 72 ? raw : readQcow(file, bytes);
  if (startsWith(bytes, "QED\0"))
    return bytes.length < 64 ? raw : { format: "qed", capacity: bytes.readBigUInt64LE(48) };
  if (startsWith(bytes, "KDMV") && bytes.length >= 20) {
    return { format: "vmdk", capacity: bytes.readBigUInt64LE(12) * 512n };
  }
  if (bytes.length >= 376 && bytes.readUInt32LE(64) === 0xbeda_107f) {
    return { format: "vdi", capacity: bytes.readBigUInt64LE(368) };
  }
  if (startsWith(bytes, "conectix") && bytes.length >= 56)
    return { format: "vpc", capacity: bytes.readBigUInt64BE(48) };
  const volume = await readAt(file, 32_768, 6);
  return startsWith(volume, "\u0001CD001") ? { format: "iso" } : raw;
}

async function readQcow(file: FileHandle, bytes: Buffer): Promise<ImageHeader> {
  const version = bytes.readUInt32BE(4);
  const capacity = bytes.readBigUInt64BE(24);
  const [nameAt, nameLength] = [Number(bytes.readBigUInt64BE(8)), bytes.readUInt32BE(16)];
  if (version === 1) return { format: "qcow", capacity };
  if (version !== 2 && (version !== 3 || bytes.length < 104)) return raw;
  const backing = await backingOf(file, version === 3 ? bytes.readUInt32BE(100) : 72, nameAt, nameLength);
  return {
    format: "qcow2",
    capacity,
    clusterSize: 2 ** Math.min(30, bytes.readUInt32BE(20)),
    ...(version === 3 && { compat: "1.1", features: featuresOf(bytes) }),
    ...(backing !== undefined && { backing }),
  };
}

/** Lazy reference counts are a compatible feature, tables of two kinds an incompatible one. */
function featuresOf(bytes: Buffer): readonly string[] {
  const [incompatible, compatible] = [bytes.readBigUInt64BE(72), bytes.readBigUInt64BE(80)];
  return [
    ...((compatible & 1n) === 0n ? [] : ["lazy_refcounts"]),
    ...((incompatible & 16n) === 0n ? [] : ["extended_l2"]),
  ];
}

async function backingOf(
  file: FileHandle,
  extensionsAt: number,
  nameAt: number,
  length: number,
): Promise<ImageHeader["backing"]> {
  if (nameAt === 0 || length === 0 || length > longestName || nameAt > 2 ** 30) return undefined;
  const path = (await readAt(file, nameAt, length)).toString("utf8");
  const extensions = await readAt(file, extensionsAt, Math.max(0, Math.min(65_536, nameAt - extensionsAt)));
  const format = formatExtension(extensions);
  return { path, ...(format !== undefined && { format }) };
}

/** Each is a number, a length and so many bytes, filled up to eight; 0 is their end. */
function formatExtension(bytes: Buffer): string | undefined {
  const [end, backingFormat] = [0, 0xe279_2aca];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const [kind, length] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)];
    if (kind === end) return undefined;
    if (kind === backingFormat) return bytes.subarray(at + 8, at + 8 + Math.min(length, 16)).toString("latin1");
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return undefined;
}

function startsWith(bytes: Buffer, magic: string): boolean {
  return bytes.subarray(0, magic.length).equals(Buffer.from(magic, "latin1"));
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
