import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { eventBytes, legacyEventBytes } from "../../src/daemon/event-bytes.ts";
import { eventMessage, legacyEventMessage, remote } from "../../src/protocol/index.ts";
import { encodeEvent } from "../../src/rpc/index.ts";
import { sampleEvents } from "./sample-events.ts";

suite("the bytes of an event", () => {
  for (const event of sampleEvents) {
    test(`are those of its message, whichever subscription asks: ${event.name}`, () => {
      for (const callbackId of [7, 0x7fff_ffff, 0]) {
        const { row, message } = eventMessage(event, callbackId);
        assert.deepEqual(eventBytes(event, callbackId), encodeEvent(remote, row, message));
      }
      const legacy = legacyEventMessage(event);
      const expected = legacy === undefined ? undefined : encodeEvent(remote, legacy.row, legacy.message);
      assert.deepEqual(legacyEventBytes(event), expected);
    });
  }

  test("are made once", () => {
    const [event] = sampleEvents;
    assert.ok(event !== undefined);
    assert.equal(eventBytes(event, 1), eventBytes(event, 2));
  });
});
