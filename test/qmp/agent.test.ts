import assert from "node:assert/strict";
import { test } from "node:test";
import type { Transport, TransportListener } from "../../src/event/index.ts";
import { Agent } from "../../src/qmp/index.ts";
import { HandLoop } from "./hand-host.ts";

type Command = { readonly execute: string; readonly arguments?: { readonly id?: number } };

/** A guest's agent, as far as the test makes one. */
class FakeAgent implements Transport {
  readonly backlog = 0;
  readonly heard: Command[] = [];
  #listener: TransportListener | undefined;
  isClosed = false;

  open(listener: TransportListener): void {
    this.#listener = listener;
  }
  send(bytes: Uint8Array): void {
    for (const line of Buffer.from(bytes).toString("latin1").replaceAll("\xff", "").split("\n"))
      if (line !== "") this.heard.push(JSON.parse(line) as Command);
  }
  pause(): void {}
  resume(): void {}
  close(): void {
    this.isClosed = true;
  }
  hangUp(): void {
    this.#listener?.onClose(new Error("the guest is gone"));
  }
  say(text: string): void {
    this.#listener?.onData(Buffer.from(text, "latin1"), []);
  }
  json(value: unknown): void {
    this.say(`${JSON.stringify(value)}\n`);
  }
  /** Answers the last `guest-sync-delimited`, as the real one does. */
  sync(): void {
    const last = this.heard.findLast(({ execute }) => execute === "guest-sync-delimited");
    this.say(`\xff${JSON.stringify({ return: last?.arguments?.id })}\n`);
  }
  get words(): string[] {
    return this.heard.map(({ execute }) => execute);
  }
}

function setUp(): { hand: HandLoop; guest: FakeAgent; agent: Agent; closed: unknown[] } {
  const hand = new HandLoop();
  const guest = new FakeAgent();
  const closed: unknown[] = [];
  const agent = new Agent(hand.loop, guest, { onClose: (cause) => closed.push(cause) });
  agent.open();
  return { hand, guest, agent, closed };
}

/** "ok ..." or the error's message, once settled. */
function watch(promise: Promise<unknown>): { result: string | undefined } {
  const outcome = { result: undefined as string | undefined };
  promise.then(
    (value) => (outcome.result = `ok ${JSON.stringify(value)}`),
    (error: Error) => (outcome.result = error.message),
  );
  return outcome;
}

const patient = { timeoutMs: 5_000 };

test("before the first command it is brought into step, and only then", async () => {
  const { hand, guest, agent } = setUp();
  const first = watch(agent.execute("guest-ping", {}, patient));
  assert.deepEqual(guest.words, ["guest-sync-delimited"]);
  guest.sync();
  guest.json({ return: {} });
  const second = watch(agent.execute("guest-get-time", {}, patient));
  guest.json({ return: 7 });
  await hand.settle();
  assert.deepEqual([first.result, second.result], ["ok {}", "ok 7"]);
  assert.deepEqual(guest.words, ["guest-sync-delimited", "guest-ping", "guest-get-time"]);
  assert.equal(hand.loop.size, 0);
});

test("a late answer is never that of another command", async () => {
  const { hand, guest, agent } = setUp();
  const late = watch(agent.execute("guest-get-time", {}, patient));
  guest.sync();
  await hand.pass(5_000, 1_000);
  assert.equal(late.result, "the guest agent did not answer guest-get-time in time");
  const next = watch(agent.execute("guest-get-vcpus", {}, patient));
  guest.json({ return: "the time, at last" });
  assert.deepEqual(guest.words.slice(2), ["guest-sync-delimited"], "it is brought into step again");
  guest.sync();
  guest.json({ return: "the vcpus" });
  await hand.settle();
  assert.equal(next.result, 'ok "the vcpus"');
});

test("the answer to an earlier synchronisation, half lines and rubbish are passed over", async () => {
  const { hand, guest, agent } = setUp();
  const first = watch(agent.execute("guest-ping", {}, patient));
  await hand.pass(5_000, 1_000);
  assert.match(first.result ?? "", /in time/);
  const second = watch(agent.execute("guest-ping", {}, patient));
  guest.json({ return: 1 });
  guest.say('{"return": 17');
  guest.say("\xffnonsense\n\n[]\n7\n");
  guest.sync();
  guest.json({ return: "second" });
  await hand.settle();
  assert.equal(second.result, 'ok "second"');
});

test("who waits in line has a deadline of its own, and what is aborted in line is not sent", async () => {
  const { hand, guest, agent } = setUp();
  watch(agent.execute("guest-suspend-ram", {}, { timeoutMs: Number.POSITIVE_INFINITY }));
  guest.sync();
  const waiting = watch(agent.execute("guest-ping", {}, { timeoutMs: 1_000 }));
  await hand.pass(1_000, 500);
  assert.equal(waiting.result, "the guest agent is busy with another command");
  assert.deepEqual(guest.words, ["guest-sync-delimited", "guest-suspend-ram"]);
});

test("what the agent refuses is told in its words, and it stays in step", async () => {
  const { hand, guest, agent } = setUp();
  const refused = watch(agent.execute("guest-fly", {}, patient));
  guest.sync();
  guest.json({ error: { class: "CommandNotFound", desc: "The command guest-fly has not been found" } });
  const next = watch(agent.execute("guest-ping", {}, patient));
  guest.json({ return: {} });
  await hand.settle();
  assert.deepEqual([refused.result, next.result], ["The command guest-fly has not been found", "ok {}"]);
});

test("a guest that goes fails all that waits, but for the command by which it was to go", async () => {
  const { hand, guest, agent, closed } = setUp();
  const going = watch(agent.execute("guest-shutdown", {}, { ...patient, mayVanish: true }));
  guest.sync();
  const waiting = watch(agent.execute("guest-ping", {}, patient));
  guest.hangUp();
  await hand.settle();
  assert.deepEqual([going.result, waiting.result], ["ok undefined", "the agent's channel was closed"]);
  assert.deepEqual([guest.isClosed, closed.length, hand.loop.size], [true, 1, 0]);
  await assert.rejects(agent.execute("guest-ping", {}, patient), /the agent's channel was closed/);
});

test("a line without end closes the connection: the guest is nobody's friend", async () => {
  const { guest, agent, closed } = setUp();
  watch(agent.execute("guest-ping", {}, patient));
  guest.say("x".repeat(11 * 1024 * 1024));
  assert.deepEqual([agent.state, closed.length], ["closed", 1]);
});
