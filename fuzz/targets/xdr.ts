import assert from "node:assert/strict";
import {
  admin,
  decodeHeader,
  keepalive,
  lxc,
  type Procedure,
  type Program,
  qemu,
  remote,
  StreamHole,
  VirError,
  WireError,
} from "../../src/protocol/index.ts";
import { type Codec, decode, encode, ProtocolError } from "../../src/xdr/index.ts";
import type { Target } from "../target.ts";
import { texts, words } from "./bytes.ts";

const programs: readonly Program[] = [remote, qemu, lxc, admin, keepalive];

/** All types of the protocol: what an input is read as is the first two bytes' to say. */
export const codecs: readonly Codec[] = [
  WireError,
  StreamHole,
  ...programs.flatMap(({ procedures }) => Object.values<Procedure>(procedures).flatMap(codecsOf)),
] as readonly Codec[];

/** Every type of the protocol reads any bytes as a value that it can write again, or refuses them. */
export const xdr: Target = {
  name: "xdr",
  dictionary: [...words(0, 1, 2, 7, 16, 256, 1_024, 16_384, 0xffff_ffff), ...texts("\0\0\0\x04test", "é\0\0")],
  check(input) {
    const payload = input.subarray(2);
    checkHeader(payload);
    const codec = codecs[((input[0] ?? 0) * 256 + (input[1] ?? 0)) % codecs.length] as Codec;
    const value = read(() => decode(codec, payload));
    if (value === undefined) return;
    const written = encode(codec, value);
    // A label that came without the NUL at its end gets one, and its padding.
    assert.ok(written.length <= 2 * payload.length, `${written.length} bytes were made of ${payload.length}`);
    const again = decode(codec, written);
    assert.deepEqual(again, value);
    assert.deepEqual(encode(codec, again), written);
    if (codec === WireError) checkError(value as Parameters<typeof VirError.fromWire>[0]);
  },
};

function codecsOf(row: Procedure): readonly Codec[] {
  return row.kind === "call" ? [row.args, row.ret] : [row.message];
}

/** The value that there is; undefined when the bytes are refused in order. */
function read<T>(reading: () => T): T | undefined {
  try {
    return reading();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function checkHeader(bytes: Uint8Array): void {
  const header = read(() => decodeHeader(bytes));
  if (header !== undefined) for (const part of Object.values(header)) assert.ok(Number.isInteger(part));
}

/** An error that a peer has sent can be sent on. */
function checkError(value: Parameters<typeof VirError.fromWire>[0]): void {
  const wire = VirError.fromWire(value).toWire();
  assert.deepEqual(decode(WireError, encode(WireError, wire)), wire);
}
