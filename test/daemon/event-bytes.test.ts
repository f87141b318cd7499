import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type EventBytes, eventBytes, legacyEventBytes } from "../../src/daemon/event-bytes.ts";
import { eventMessage, legacyEventMessage, remote } from "../../src/protocol/index.ts";
import { encodeEvent } from "../../src/rpc/index.ts";
import { sampleEvents } from "./sample-events.ts";

suite("the bytes of an event", () => {
  for (const event of sampleEvents) {
    test(`are those of its message, whichever subscription asks: ${event.name}`, () => {
      for (const callbackId of [7, 0x7fff_ffff, 0]) {
        const { row, message } = eventMessage(event, callbackId);
        assert.deepEqual(whole(eventBytes(event, callbackId)), encodeEvent(remote, row, message));
      }
      const legacy = legacyEventMessage(event);
      const expected = legacy === undefined ? undefined : encodeEvent(remote, legacy.row, legacy.message);
      assert.deepEqual(whole(legacyEventBytes(event)), expected);
    });
  }

  test("are made once, and what all are sent alike stays as it is", () => {
    const [event] = sampleEvents;
    assert.ok(event !== undefined);
    const { head, rest } = eventBytes(event, 1);
    const before = rest.slice();
    assert.equal(eventBytes(event, 2).rest, rest);
    assert.deepEqual(rest, before);
    assert.notEqual(head.buffer, rest.buffer);
  });
});

function whole(bytes: EventBytes | undefined): Uint8Array | undefined {
  return bytes && Uint8Array.from([...bytes.head, ...bytes.rest]);
}
