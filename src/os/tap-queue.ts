import { closeSync, openSync } from "node:fs";
import koffi from "koffi";
import * as libc from "./libc.ts";

/** What libc.ts says at its top holds here too. */
const devices = koffi.load(null);

// SAFETY: `argument` is one struct ifreq, the caller's until the return; nothing in it is a pointer. The C function is
// variadic; on 64-bit Linux a pointer travels the same way as declared here.
const ioctl: (fd: number, request: number, argument: Buffer) => number = devices.func(
  "int ioctl(int fd, ulong request, void *argument)",
);

/** The kernel's door to devices whose other end is a descriptor. */
export const tunPath = "/dev/net/tun";

const setInterface = 0x400454ca;
const nameSize = 16;
const flags = { tap: 0x2, multiQueue: 0x100, noPacketInformation: 0x1000, header: 0x4000, isNew: 0x8000 } as const;

export interface TapQueueOptions {
  /** The device is to be made; one that is there is refused (EBUSY). Else it is taken where it is. */
  readonly isNew: boolean;
  /** Frames come with what the other side of virtio is told about them. */
  readonly hasHeader: boolean;
  /** There may be more descriptors of it. */
  readonly isMultiQueue: boolean;
}

/**
 * A descriptor of the tap device of that name, the caller's, close-on-exec. A device that was made by this is gone with
 * the last descriptor of it, whoever has that. Throws Node's error when there is no `tunPath` for us, SystemError when the
 * kernel refuses (EPERM, EBUSY).
 */
export function openTapQueue(name: string, { isNew, hasHeader, isMultiQueue }: TapQueueOptions): number {
  const fd = openSync(tunPath, "r+");
  try {
    const request = Buffer.alloc(40);
    request.write(name.slice(0, nameSize - 1));
    const wanted =
      flags.tap |
      flags.noPacketInformation |
      (hasHeader ? flags.header : 0) |
      (isMultiQueue ? flags.multiQueue : 0) |
      (isNew ? flags.isNew : 0);
    request.writeUInt16LE(wanted, nameSize);
    libc.check(ioctl(fd, setInterface, request), "ioctl", name);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
