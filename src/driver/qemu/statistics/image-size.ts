import { open, stat } from "node:fs/promises";
import { getSystemErrorMap } from "node:util";
import { ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";

/** Of a file on the host, in bytes: as its blocks take room, and how long it is. Rejects with VirError. */
export async function fileSize(path: string): Promise<{ allocation: bigint; physical: bigint }> {
  try {
    const { size, blocks } = await stat(path, { bigint: true });
    return { allocation: blocks * 512n, physical: size };
  } catch (error) {
    throw cannot(`cannot stat file '${path}'`, error);
  }
}

/** As the guest would see it, in bytes: what a qcow2 says of itself, else the length of the file. Rejects with VirError. */
export async function imageCapacity(path: string, format: string): Promise<bigint> {
  const { physical } = await fileSize(path);
  if (format !== "qcow2") return physical;
  try {
    const file = await open(path, "r");
    try {
      const header = Buffer.alloc(32);
      const { bytesRead } = await file.read(header, 0, header.length, 0);
      return bytesRead === 32 && header.readUInt32BE(0) === qcowMagic ? header.readBigUInt64BE(24) : physical;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw cannot(`Failed to open file '${path}'`, error);
  }
}

/** "QFI" and 0xfb. */
const qcowMagic = 0x514649fb;

/** The format of a disk's image. */
export function formatOf(disk: Element): string {
  return disk.first("driver")?.attribute("type") ?? "raw";
}

function cannot(what: string, error: unknown): VirError {
  const { errno = -5 } = error as NodeJS.ErrnoException;
  const [, words = "error"] = getSystemErrorMap().get(errno) ?? [];
  const reason = words.charAt(0).toUpperCase() + words.slice(1);
  return VirError.system(ErrorDomain.qemu, -errno, `${what}: ${reason}`, error);
}
