export interface ArchiveEntry {
  readonly path: string;
  /** Type and permissions, as in `stat`. */
  readonly mode: number;
  readonly content?: Uint8Array;
  /** Major and minor number of a device. */
  readonly device?: readonly [number, number];
}

const encoder = new TextEncoder();

/** An archive in the kernel's initramfs format: cpio, "newc" (Documentation/driver-api/early-userspace/buffer-format). */
export function archive(entries: readonly ArchiveEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => member(entry, index + 1));
  return Buffer.concat([...parts, ...member({ path: "TRAILER!!!", mode: 0 }, 0)]);
}

function member(
  { path, mode, content = new Uint8Array(), device = [0, 0] }: ArchiveEntry,
  inode: number,
): Uint8Array[] {
  const name = encoder.encode(`${path}\0`);
  const [owner, links, time, checksum] = [0, 1, 0, 0];
  const fields = [inode, mode, owner, owner, links, time, content.length, 0, 0, ...device, name.length, checksum];
  const head = encoder.encode(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  return [head, name, padding(head.length + name.length), content, padding(content.length)];
}

function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}
