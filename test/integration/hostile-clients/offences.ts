import {
  encodeMessage,
  type Header,
  MessageType,
  messageLengthLimit,
  remote,
  Status,
} from "../../../src/protocol/index.ts";
import { type Codec, struct, uint } from "../../../src/xdr/index.ts";

/** The siege's daemon drops who lets so many bytes wait. A quarter of the default, to be reached soon. */
export const backlog = 524_288;

/** The siege's daemon drops who has opened nothing for so long. */
export const openWithinMs = 2_000;

const rows = remote.procedures;
const nothing = struct("nothing", {});

/** A call of the remote program, but for what `header` says. */
export function message<T>(header: Partial<Header>, codec: Codec<T>, value: T): Uint8Array {
  const { number: program, version } = remote;
  const call = { program, version, procedure: 3, type: MessageType.call, serial: 0, status: Status.ok };
  return encodeMessage({ ...call, ...header }, codec, value);
}

export const opening: Uint8Array = Buffer.concat([
  message({ procedure: rows.authList.number, serial: 1 }, rows.authList.args, {}),
  message({ procedure: rows.connectOpen.number, serial: 2 }, rows.connectOpen.args, {
    name: "test:///default",
    flags: 0,
  }),
]);

/** virDomainEventID. */
export const metadataChange = 23;

/** Changes nothing but is told, with 32 KiB, to everybody who wants to hear of changed metadata. */
export const bigChange = {
  dom: { name: "test", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 },
  type: 2,
  metadata: null,
  key: null,
  uri: `http://example.org/${"x".repeat(32_768)}`,
  flags: 0,
};

/** Something that a client does wrong, and what the daemon says of it. */
export interface Offence {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly reason: Reason;
  /** The reason when a hypervisor is open already. */
  readonly openReason?: Reason;
}

/** What a line of the daemon's log must look like, for each reason. */
export const reasons = {
  length: /^dropped: a message length of \d+, it goes from 28 to \d+$/,
  program: /^misbehaves.*: Cannot find program \d+ version \d+$/,
  procedure: /^misbehaves.*: unknown procedure: \d+$/,
  status: /^misbehaves.*: Unexpected message status \d+$/,
  arguments: /^misbehaves.*: Unable to decode message payload$/,
  ignored: /^misbehaves.*: a message for nobody was ignored: /,
  descriptors: /^dropped: a message with descriptors, but no count of them up to 32$/,
  late: /^dropped: no hypervisor was opened within \d+ ms$/,
  "cut off":
    /^dropped: (the peer left in the middle of a message: \d+ bytes of it have come|.*\((ECONNRESET|EPIPE)\))$/,
  "does not read": /^dropped: the peer does not read: \d+ bytes wait for it$/,
} as const satisfies Readonly<Record<string, RegExp>>;

export type Reason = keyof typeof reasons;

/** The last byte of the type in a header. */
const typeAt = 19;

function word(value: number, trailing = 0): Uint8Array {
  const bytes = Buffer.alloc(4 + trailing);
  bytes.writeUInt32BE(value);
  return bytes;
}

const lengths = [0, 1, 2, 3, 4, 27, messageLengthLimit + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const call = message({ procedure: rows.domainLookupByName.number }, rows.domainLookupByName.args, { name: "test" });

export const offences: readonly Offence[] = [
  ...lengths.map((length) => ({
    name: `a length of ${length}`,
    bytes: word(length, 24),
    reason: "length" as const,
  })),
  ...[1, 2, 3].map((seed) => ({ name: `random bytes ${seed}`, bytes: noise(seed), reason: "length" as const })),
  { name: "a program that is not there", bytes: message({ program: 77 }, nothing, {}), reason: "program" },
  { name: "a version that is not there", bytes: message({ version: 2 }, nothing, {}), reason: "program" },
  { name: "a procedure that is not there", bytes: message({ procedure: 9_999 }, nothing, {}), reason: "procedure" },
  { name: "a call with a status", bytes: message({ status: 2 }, nothing, {}), reason: "status" },
  { name: "a type that is not there", bytes: message({ type: 99 }, nothing, {}), reason: "ignored" },
  { name: "a reply to nothing", bytes: message({ type: MessageType.reply }, nothing, {}), reason: "ignored" },
  { name: "arguments cut short", bytes: message({ procedure: 1 }, nothing, {}), reason: "arguments" },
  {
    name: "a string longer than its message",
    bytes: message({ procedure: rows.domainLookupByName.number }, uint, 1_000),
    reason: "arguments",
  },
  {
    name: "a count of descriptors beyond all bounds",
    bytes: message({}, uint, 0xffff_ffff).map((byte, at) => (at === typeAt ? MessageType.callWithFds : byte)),
    reason: "descriptors",
  },
  { name: "more than a stranger may send", bytes: word(300_000, 24), reason: "length" },
  { name: "half a header", bytes: call.subarray(0, 14), reason: "late", openReason: "cut off" },
  { name: "half a message", bytes: call.subarray(0, call.length - 3), reason: "late", openReason: "cut off" },
];

/** Such as begin with a length that is none. */
function noise(seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: 300 }, (_, at) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 24) | (at === 0 ? 0xf0 : 0);
  });
}
