import koffi from "koffi";
import * as libc from "./libc.ts";

/** What libc.ts says at its top holds here too. */
const devices = koffi.load(null);

// SAFETY: only numbers go in; the caller owns the new descriptor.
const socket: (domain: number, type: number, protocol: number) => number = devices.func(
  "int socket(int domain, int type, int protocol)",
);

// SAFETY: `argument` is one struct ifreq whose pointer leads to a buffer as long as its command says; both are the
// caller's until the return. The C function is variadic; on 64-bit Linux a pointer travels the same way as declared here.
const ioctl: (fd: number, request: number, argument: Buffer) => number = devices.func(
  "int ioctl(int fd, ulong request, void *argument)",
);

const [internet, datagramCloseOnExec, siocEthtool] = [2, 0x80002, 0x8946];
const nameSize = 16;
/** The request of features in two words; behind a head of 8 bytes each has four words: available, requested, active, fixed. */
const features = { command: 0x3a, words: 2, head: 8, word: 16, active: 8 } as const;

/** In libvirt's words and order: the command that asks for it (ETHTOOL_G*), and the bit that says yes. */
const questions: readonly (readonly [name: string, command: number, mask: number])[] = [
  ["rx", 0x14, ~0],
  ["tx", 0x16, ~0],
  ["sg", 0x18, ~0],
  ["tso", 0x1e, ~0],
  ["gso", 0x23, ~0],
  ["gro", 0x2b, ~0],
  ["lro", 0x25, 1 << 15],
  ["rxvlan", 0x25, 1 << 8],
  ["txvlan", 0x25, 1 << 7],
  ["ntuple", 0x25, 1 << 27],
  ["rxhash", 0x25, 1 << 28],
  ["txudptnl", features.command, 1 << 25],
];

/** What a network interface does without the processor, as libvirt names it; nothing for one that is not there. */
export function linkFeatures(name: string): string[] {
  const bytes = Buffer.from(name);
  if (bytes.length === 0 || bytes.length >= nameSize) return [];
  const fd = libc.check(socket(internet, datagramCloseOnExec, 0), "socket", name);
  try {
    return questions.filter(([, command, mask]) => (ask(fd, bytes, command) & mask) !== 0).map(([feature]) => feature);
  } finally {
    libc.close(fd);
  }
}

/** 0 when the driver does not know the question. */
function ask(fd: number, name: Buffer, command: number): number {
  const value = Buffer.alloc(features.head + features.words * features.word);
  value.writeUInt32LE(command, 0);
  const isWide = command === features.command;
  if (isWide) value.writeUInt32LE(features.words, 4);
  const request = Buffer.alloc(40);
  name.copy(request);
  request.writeBigUInt64LE(koffi.address(value), nameSize);
  if (ioctl(fd, siocEthtool, request) < 0) return 0;
  return value.readUInt32LE(isWide ? features.head + features.active : 4);
}
