import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { EventRecord } from "../../src/acceptance/event-record.ts";
import { sideBySide, tapEnd, tapStep } from "../../src/acceptance/report.ts";
import type { DomainEvent } from "../../src/client/index.ts";

function record(...events: string[]): EventRecord {
  const made = new EventRecord();
  for (const each of events) tell(made, each);
  return made;
}

function tell(to: EventRecord, text: string): void {
  const [event, detail] = text.split(" ");
  const told = detail === undefined ? { name: event } : { name: "lifecycle", event, detail };
  to.add(told as unknown as DomainEvent);
}

const never = new AbortController().signal;

suite("the record of a guest's events", () => {
  test("fits when they come as expected, in that order", async () => {
    const events = record("started booted");
    const expecting = events.expect(["started booted", "resumed unpaused"], never);
    tell(events, "resumed unpaused");
    assert.deepEqual(await expecting, { seen: ["started booted", "resumed unpaused"], fits: true });
  });

  test("does not fit when they come in another order, or when another comes", async () => {
    const turned = await record("resumed unpaused", "started booted").expect(
      ["started booted", "resumed unpaused"],
      never,
    );
    assert.deepEqual(turned, { seen: ["resumed unpaused", "started booted"], fits: false });
    const other = await record("stopped crashed").expect(["stopped destroyed"], never);
    assert.deepEqual(other, { seen: ["stopped crashed"], fits: false });
  });

  test("does not fit when one is missing at the end of the time, or of the connection", async () => {
    const abort = new AbortController();
    const late = record("started booted").expect(["started booted", "resumed unpaused"], abort.signal);
    abort.abort();
    assert.deepEqual(await late, { seen: ["started booted"], fits: false });
    const events = record();
    const lost = events.expect(["started booted"], never);
    events.fail(new Error("lost"));
    assert.deepEqual(await lost, { seen: [], fits: false });
  });

  test("leaves what comes behind all that is wanted to the next step, which is surprised", async () => {
    const events = record("started booted", "stopped crashed");
    assert.equal((await events.expect(["started booted"], never)).fits, true);
    assert.deepEqual(events.drain(), ["stopped crashed"]);
  });

  test("takes one that may be missing, or that comes late, and one that may come again", async () => {
    const events = record("reboot", "reboot");
    assert.deepEqual((await events.expect(["reboot+", "?balloonChange"], never)).seen, ["reboot", "reboot"]);
    tell(events, "balloonChange");
    events.skip(["reboot+", "?balloonChange"]);
    assert.deepEqual(events.drain(), []);
    tell(events, "reboot");
    events.skip(["reboot+", "?balloonChange"]);
    assert.deepEqual(events.drain(), ["reboot"]);
  });
});

suite("the report", () => {
  const failed = {
    guest: "g",
    round: 1,
    step: "start",
    what: "start it",
    outcome: "failed",
    ms: 3,
    reason: "other events than expected",
    events: { expected: ["started booted", "resumed unpaused"], seen: ["started booted", "stopped failed"] },
    state: { expected: "running booted", seen: "shutoff failed" },
  } as const;

  test("shows expected and seen events side by side", () => {
    assert.deepEqual(sideBySide(failed), [
      "  expected          seen",
      "  started booted    started booted",
      "> resumed unpaused  stopped failed",
    ]);
  });

  test("is TAP", () => {
    const text = tapStep(failed, 4);
    assert.match(
      text,
      /^not ok 4 - g, round 1: start it # time=3ms\n# other events than expected\n# state: shutoff failed, /,
    );
    const result = { driver: "TEST", steps: [failed], leaks: ["left behind: x"], ok: false };
    assert.equal(tapEnd(result), "not ok 2 - nothing is left\n# left behind: x\n1..2\n");
  });
});
