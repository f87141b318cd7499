import assert from "node:assert/strict";
import { test } from "node:test";
import { Loop, Ready, type Transport, type TransportListener } from "../../src/event/index.ts";
import { explore, Resource, type Sim, SimFile, SimHost, SimKernel } from "../../src/testkit/index.ts";
import { type StoreWatch, Xenstore } from "../../src/xenstore/index.ts";
import { checkHolds } from "../event/exploring.ts";

/** xenstored's end of a connection that is a simulated descriptor on ours: what it sends waits there for a turn. */
class Socket implements Transport {
  readonly backlog = 0;
  readonly file = new SimFile("socket");
  /** Requests that xenstored has not seen yet. */
  readonly requests: Buffer[] = [];
  /** Made when they are read. */
  readonly #answers: (() => Buffer)[] = [];
  /** Tokens in the order in which they were sent. */
  readonly sentTokens: string[] = [];
  readonly #loop: Loop;
  readonly #fd: number;
  closed = false;

  constructor(loop: Loop, kernel: SimKernel) {
    this.#loop = loop;
    this.#fd = kernel.open(this.file);
  }

  open(listener: TransportListener): void {
    this.#loop.watch(this.#fd, Ready.readable, () => {
      this.file.read();
      const bytes = Buffer.concat(this.#answers.splice(0).map((answer) => answer()));
      if (!this.closed) listener.onData(bytes, []);
    });
  }

  send(bytes: Uint8Array): void {
    const request = Buffer.from(bytes);
    this.requests.push(request);
    if (request.readUInt32LE(0) === watchType) this.sentTokens.push(tokenIn(request));
  }

  answer(type: number, id: number, strings: () => readonly string[]): void {
    this.#answers.push(() => {
      const body = Buffer.from(
        strings()
          .map((text) => `${text}\0`)
          .join(""),
      );
      const head = Buffer.alloc(16);
      for (const [index, value] of [type, id, 0, body.length].entries()) head.writeUInt32LE(value, index * 4);
      return Buffer.concat([head, body]);
    });
    this.file.ready |= Ready.readable;
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    this.closed = true;
  }
}

const [watchType, eventType] = [4, 15];

function tokenIn(request: Buffer): string {
  return request.toString("utf8", 16).split("\0")[1] ?? "";
}

/** The token that an event is taken to have; `sent` are all there have been. */
type Echo = (token: string, sent: readonly string[]) => string;

/**
 * The owner watches a path; another thread has it remove that watch and make another of the same path, while a third
 * party writes there. xenstored works request by request, and its answers and events arrive whenever they like.
 */
function scenario(echo: Echo = (token) => token): (sim: Sim) => void {
  return (sim) => {
    const kernel = new SimKernel();
    const host = new SimHost(kernel, { choose: (bound) => sim.choose(bound) });
    const loop = new Loop(host, { onError: (error) => sim.fail("assertion", String(error)) });
    const socket = new Socket(loop, kernel);
    const store = new Xenstore(loop, socket);
    const tokens = new Set<string>();
    let writes = 0;
    const fire = (token: string): void => socket.answer(eventType, 0, () => ["/a", echo(token, socket.sentTokens)]);

    sim.serve("loop", () => host.actor(loop));
    sim.serve("xenstored", function* () {
      for (;;) {
        yield sim.until("read a request", () => socket.requests.length > 0);
        const request = socket.requests.shift() ?? Buffer.alloc(16);
        const [type, id] = [request.readUInt32LE(0), request.readUInt32LE(4)];
        const token = tokenIn(request);
        if (type === watchType) tokens.add(token);
        else tokens.delete(token);
        socket.answer(type, id, () => ["OK"]);
        if (type === watchType) fire(token);
      }
    });
    sim.spawn("writer", function* () {
      for (let count = 0; count < 2; count++) {
        yield sim.step("write /a");
        writes++;
        for (const token of tokens) fire(token);
      }
    });

    const memory = new Resource(sim, "the first owner's memory");
    let second: StoreWatch | undefined;
    let seen = -1;
    const first: StoreWatch[] = [];
    const replace = (): void => {
      first[0]?.remove();
      memory.release();
      second = store.watch("/a", () => {
        if (!tokens.has(socket.sentTokens[1] ?? ""))
          sim.fail("assertion", "the second watch is told before xenstored knows of it");
        seen = writes;
      });
    };
    sim.spawn("owner", function* () {
      yield sim.step("post: watch");
      loop.post(() => {
        store.open();
        first.push(store.watch("/a", () => memory.use("handed to a callback")));
      });
      yield sim.step("post: replace");
      loop.post(replace);
    });
    sim.atEnd(() => {
      if (seen !== writes) sim.fail("assertion", `the second watch saw ${seen} of ${writes} writes`);
      if (first[0]?.state !== "closed") sim.fail("assertion", `the first watch is ${first[0]?.state}`);
      if (second?.state !== "active") sim.fail("assertion", `the second watch is ${second?.state}`);
      if (tokens.size !== 1) sim.fail("assertion", `xenstored keeps ${tokens.size} watches`);
    });
  };
}

test("a store watch that is removed is never told, and the next one at its path misses nothing and hears no other's", (t) => {
  const report = explore(scenario(), { executions: 1_000_000, preemptions: 2 });
  checkHolds(report);
  assert.ok(report.exhausted, "not all was tried");
  t.diagnostic(`${report.executions} schedules`);
});

test("the same fails as soon as a token tells one generation of a slot from the next no more", () => {
  const { failing } = explore(
    scenario((token, sent) => sent.at(-1) ?? token),
    { executions: 100_000 },
  );
  assert.match(String(failing?.failure?.message), /before xenstored knows of it|handed to a callback/);
});
