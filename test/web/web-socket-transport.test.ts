import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Loop, TimerHost } from "../../src/event/index.ts";
import { type WebSocketLike, WebSocketTransport } from "../../src/web/web-socket-transport.ts";
import { HandTimers } from "../event/hand-timers.ts";

/** A browser's end of a WebSocket that is open. */
class HandSocket extends EventTarget {
  binaryType = "blob";
  bufferedAmount = 0;
  readonly sent: number[] = [];
  isClosed = false;

  send(bytes: Uint8Array): void {
    assert.ok(!this.isClosed);
    this.sent.push(...bytes.subarray(0, 8));
    this.bufferedAmount += bytes.length;
  }

  close(): void {
    this.isClosed = true;
  }

  say(...bytes: number[]): void {
    this.dispatchEvent(new MessageEvent("message", { data: Uint8Array.from(bytes).buffer }));
  }

  sayLong(length: number): void {
    this.dispatchEvent(new MessageEvent("message", { data: new ArrayBuffer(length) }));
  }

  end(code: number): void {
    this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
}

function begin() {
  const timers = new HandTimers();
  const loop = new Loop(new TimerHost(timers), { onError: (error) => assert.fail(String(error)) });
  const socket = new HandSocket();
  const transport = new WebSocketTransport(loop, socket as unknown as WebSocketLike);
  const heard = { bytes: [] as number[], drains: 0, ends: [] as (string | undefined)[] };
  const open = (): void =>
    transport.open({
      onData: (bytes) => void heard.bytes.push(...bytes.subarray(0, 8)),
      onDrain: () => heard.drains++,
      onClose: (cause) => void heard.ends.push(cause?.message),
    });
  return { timers, loop, socket, transport, heard, open };
}

suite("a transport over a browser's WebSocket", () => {
  test("carries bytes both ways, those too that came before it was opened", () => {
    const { timers, socket, transport, heard, open } = begin();
    assert.equal(socket.binaryType, "arraybuffer");
    socket.say(1, 2);
    open();
    socket.say(3);
    transport.send(Uint8Array.of(7, 8));
    assert.deepEqual(heard.bytes, [], "not before the next turn");
    timers.turn();
    assert.deepEqual(
      [heard.bytes, socket.sent],
      [
        [1, 2, 3],
        [7, 8],
      ],
    );
  });

  test("hands nothing on while it is paused, and everything afterwards, the end at the end", () => {
    const { timers, socket, transport, heard, open } = begin();
    open();
    transport.pause();
    socket.say(1);
    socket.end(1_000);
    timers.turn();
    assert.deepEqual(heard, { bytes: [], drains: 0, ends: [] });
    transport.resume();
    timers.turn();
    timers.turn();
    assert.deepEqual(heard, { bytes: [1], drains: 0, ends: [undefined] });
  });

  test("hands on 256 KiB a turn", () => {
    const { timers, socket, heard, open } = begin();
    open();
    for (let count = 0; count < 5; count++) socket.sayLong(131_072);
    const turns: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      timers.turn();
      turns.push(heard.bytes.length / 8);
    }
    assert.deepEqual(turns, [2, 4, 5]);
  });

  test("counts as sent what a kernel would take, and says when the rest has left", () => {
    const { timers, socket, transport, heard, open } = begin();
    open();
    transport.send(new Uint8Array(262_144));
    assert.equal(transport.backlog, 0);
    transport.send(new Uint8Array(1_000));
    assert.equal(transport.backlog, 1_000);
    timers.pass(10);
    assert.equal(heard.drains, 0);
    socket.bufferedAmount = 262_000;
    timers.pass(10);
    timers.turn();
    assert.deepEqual([transport.backlog, heard.drains, timers.ring], [0, 1, undefined]);
  });

  test("names the code with which it was broken off", () => {
    const { timers, socket, heard, open } = begin();
    open();
    socket.end(1_006);
    for (let turn = 0; turn < 2; turn++) timers.turn();
    assert.deepEqual(heard.ends, ["the WebSocket was broken off, with code 1006"]);
  });

  test("ends when the server sends text", () => {
    const { timers, socket, heard, open } = begin();
    open();
    socket.dispatchEvent(new MessageEvent("message", { data: "hello" }));
    timers.turn();
    assert.deepEqual([heard.ends, socket.isClosed], [["the server has sent text, and not bytes"], true]);
  });

  test("ends when more than 64 MiB wait that nobody reads", () => {
    const { timers, socket, transport, heard, open } = begin();
    open();
    transport.pause();
    for (let count = 0; count < 64; count++) socket.sayLong(1_048_576);
    assert.equal(socket.isClosed, false);
    socket.say(1);
    timers.turn();
    assert.deepEqual([heard.ends, socket.isClosed], [["67108865 bytes wait that nobody reads"], true]);
  });

  test("drops what is sent, and does not hear what is said, after its end", () => {
    const { timers, socket, transport, heard, open } = begin();
    open();
    transport.close();
    transport.close();
    transport.send(Uint8Array.of(1));
    socket.say(1);
    timers.turn();
    assert.deepEqual(
      [heard, socket.sent, socket.isClosed, transport.backlog],
      [{ bytes: [], drains: 0, ends: [undefined] }, [], true, 0],
    );
  });

  test("passes no descriptors, and is opened once, before anything is sent", () => {
    const { transport, open } = begin();
    assert.throws(() => transport.send(Uint8Array.of(1)), /not open yet/);
    open();
    assert.throws(open, /can be opened once/);
    assert.throws(() => transport.send(Uint8Array.of(1), [0]), /cannot be passed/);
  });
});
