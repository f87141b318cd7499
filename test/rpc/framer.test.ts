import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { MessageType, messageLengthLimit } from "../../src/protocol/index.ts";
import { type Frame, Framer } from "../../src/rpc/index.ts";
import { opaque, ProtocolError, uint } from "../../src/xdr/index.ts";
import { message, nothing } from "./world.ts";

const blob = opaque(100_000);

function allOf(framer: Framer): Frame[] {
  const frames: Frame[] = [];
  for (let frame = framer.next(); frame !== undefined; frame = framer.next()) frames.push(frame);
  return frames;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe("the framer", () => {
  it("finds the same messages however the bytes are cut", () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 });
    fc.assert(
      fc.property(payloads, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (values, sizes) => {
        const bytes = concat(values.map((value, serial) => message({ serial, procedure: -serial }, blob, value)));
        const whole = new Framer();
        whole.push(bytes);
        const cut = new Framer();
        const frames: Frame[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] as number;
          cut.push(bytes.subarray(at, at + size));
          frames.push(...allOf(cut));
          at += size;
        }
        assert.deepEqual(frames, allOf(whole));
        assert.equal(frames.length, values.length);
        assert.equal(cut.available, 0);
      }),
    );
  });

  it("cuts away a byte for each passed descriptor, and their count", () => {
    for (const type of [MessageType.callWithFds, MessageType.replyWithFds]) {
      const framer = new Framer();
      const first = message({ type, serial: 1 }, nothing, {}, 2);
      framer.push(concat([first, new Uint8Array(1)]));
      assert.equal(framer.next(), undefined, "the second descriptor's byte has not come");
      framer.push(concat([new Uint8Array(1), message({ serial: 2 }, uint, 7)]));
      const frames = allOf(framer);
      assert.deepEqual(
        frames.map(({ header, payload }) => [header.serial, payload.length]),
        [
          [1, 0],
          [2, 4],
        ],
      );
    }
  });

  it("takes a message that is no whole number of words, as stream data is", () => {
    const bytes = concat([message({ type: MessageType.stream }, nothing, {}), new Uint8Array([1, 2, 3])]);
    new DataView(bytes.buffer).setUint32(0, bytes.length);
    const framer = new Framer();
    framer.push(bytes);
    assert.deepEqual(framer.next()?.payload, new Uint8Array([1, 2, 3]));
  });

  for (const length of [0, 3, 27, messageLengthLimit + 1, 0xffff_ffff]) {
    it(`refuses a length of ${length}`, () => {
      const framer = new Framer();
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, length);
      framer.push(bytes);
      assert.throws(() => framer.next(), ProtocolError);
    });
  }

  it("takes the longest message there may be, and holds a shorter limit if told", () => {
    const framer = new Framer({ limit: 1_000 });
    framer.push(message({}, blob, new Uint8Array(968)));
    assert.equal(framer.next()?.payload.length, 972);
    framer.push(message({}, blob, new Uint8Array(972)));
    assert.throws(() => framer.next(), ProtocolError);
  });

  it("refuses more descriptors than a message can have, and a message without their count", () => {
    const countless = message({}, nothing, {});
    new DataView(countless.buffer).setUint32(16, MessageType.callWithFds);
    for (const bytes of [message({ type: MessageType.callWithFds }, nothing, {}, 33), countless]) {
      const framer = new Framer();
      framer.push(bytes);
      assert.throws(() => framer.next(), ProtocolError);
    }
  });
});
