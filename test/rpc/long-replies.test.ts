import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Breather, type Transport, type TransportListener } from "../../src/event/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  encodeMessage,
  MessageType,
  remote,
  Status,
  VirError,
  WireError,
} from "../../src/protocol/index.ts";
import { Connection, type ConnectionOptions, type IncomingCall, pairInMemory } from "../../src/rpc/index.ts";
import { decode } from "../../src/xdr/index.ts";
import { message, nothing, RawEnd, World } from "./world.ts";

const rows = remote.procedures;
const list = rows.connectListAllDomains;
const uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";
/** Some 6 KiB of them are 100: so a reply with 10,000 has about ten pieces. */
const domains = Array.from({ length: 10_000 }, (_, id) => ({ name: `domain number ${id}`, uuid, id }));
const whole = { domains, ret: domains.length };

/** A server that answers lists with `value`, and everything else with a type at once. */
function serve(world: World, options: ConnectionOptions = {}, value: typeof whole = whole) {
  const [near, far] = pairInMemory(world.loop);
  const served: number[] = [];
  const closed: (Error | undefined)[] = [];
  const server = new Connection(world.loop, near, options);
  const onCall = (call: IncomingCall): void => {
    served.push(call.header.serial);
    if (call.header.procedure === list.number) call.reply(list.ret, value);
    else call.reply(rows.connectGetType.ret, { type: "Fake" });
  };
  server.open({ onCall, onClose: (cause) => closed.push(cause) });
  const client = new RawEnd(far);
  const ask = (serial: number): void =>
    client.send({ procedure: list.number, serial }, list.args, { needResults: 1, flags: 0 });
  const askShort = (serial: number): void => client.send({ procedure: 3, serial }, nothing, {});
  return { server, served, closed, client, ask, askShort };
}

/** A domain that tells when it is written. */
function counted({ name, id }: (typeof domains)[number], onAsked: () => void) {
  return {
    get name() {
      onAsked();
      return name;
    },
    uuid,
    id,
  };
}

/** A turn, and the promises behind it. */
async function turn(world: World): Promise<void> {
  world.loop.runTurn();
  for (let round = 0; round < 10; round++) await Promise.resolve();
}

/** How many turns it takes. */
async function countTurns(world: World, until: () => boolean): Promise<number> {
  let turns = 0;
  for (; !until(); turns++) {
    assert.ok(turns < 1_000, "it does not end");
    await turn(world);
  }
  return turns;
}

/** More turns than anything here takes. */
async function run(world: World): Promise<void> {
  for (let turns = 0; turns < 100; turns++) await turn(world);
}

describe("a long reply", () => {
  it("arrives whole, over several turns", async () => {
    const world = new World();
    const { client, ask } = serve(world);
    ask(1);
    const turns = await countTurns(world, () => client.received.length > 0);
    assert.ok(turns > 8, `${turns} turns`);
    const [reply] = client.take();
    assert.deepEqual(
      { serial: reply?.header.serial, type: reply?.header.type },
      { serial: 1, type: MessageType.reply },
    );
    assert.deepEqual(decode(list.ret, reply?.payload ?? new Uint8Array()), whole);
  });

  it("leaves the other connections their turn", async () => {
    const world = new World();
    const breather = new Breather(world.loop);
    const busy = serve(world, { breather });
    const other = serve(world, { breather });
    busy.ask(1);
    await turn(world);
    other.askShort(1);
    assert.ok((await countTurns(world, () => other.client.received.length > 0)) <= 3);
    assert.equal(busy.client.received.length, 0);
    await run(world);
    assert.equal(busy.client.received.length, 1);
  });

  it("takes one step a turn among all connections that share a breather", async () => {
    const world = new World();
    const alone = new World();
    const single = serve(alone);
    single.ask(1);
    const turns = await countTurns(alone, () => single.client.received.length > 0);
    const breather = new Breather(world.loop);
    const ends = [serve(world, { breather }), serve(world, { breather }), serve(world, { breather })];
    for (const { ask } of ends) ask(1);
    const together = await countTurns(world, () => ends.every(({ client }) => client.received.length > 0));
    // Each has nine steps that are not made with the call.
    assert.ok(together >= turns + 12, `${together} turns for three, ${turns} for one`);
  });

  it("is followed by the calls that came after it", async () => {
    const world = new World();
    const { client, served, ask, askShort } = serve(world);
    ask(1);
    for (const serial of [2, 3]) askShort(serial);
    ask(4);
    askShort(5);
    await turn(world);
    await turn(world);
    assert.deepEqual(served, [1]);
    await run(world);
    assert.deepEqual(served, [1, 2, 3, 4, 5]);
    assert.deepEqual(
      client.take().map(({ header }) => header.serial),
      [1, 2, 3, 4, 5],
    );
  });

  it("is an error when an item fails in its turn", async () => {
    const world = new World();
    const gone = VirError.of(ErrorCode.noDomain, ErrorDomain.test, "gone meanwhile");
    const last = {
      get name(): string {
        throw gone;
      },
      uuid,
      id: 1,
    };
    const { client, server, ask, askShort } = serve(world, {}, { domains: [...domains, last], ret: 0 });
    ask(1);
    askShort(2);
    await run(world);
    const [reply, next] = client.take();
    assert.equal(reply?.header.status, Status.error);
    assert.equal(decode(WireError, reply?.payload ?? new Uint8Array()).code, gone.code);
    assert.equal(next?.header.serial, 2);
    assert.equal(server.state, "open");
  });

  it("is left where it is when the connection closes", async () => {
    const world = new World();
    let asked = 0;
    const { client, server, ask } = serve(
      world,
      {},
      { domains: domains.map((each) => counted(each, () => asked++)), ret: 0 },
    );
    ask(1);
    await turn(world);
    await turn(world);
    server.close();
    const before = asked;
    await run(world);
    assert.ok(before > 0 && before < domains.length / 2);
    assert.equal(asked, before);
    assert.equal(client.received.length, 0);
    assert.deepEqual(world.errors, []);
    assert.equal(world.loop.size, 0);
  });

  it("is sent before an ending connection closes", async () => {
    const world = new World();
    const { client, server, closed, ask } = serve(world);
    ask(1);
    await turn(world);
    server.end();
    await run(world);
    assert.equal(client.received.length, 1);
    assert.deepEqual(closed, [undefined]);
  });

  it("waits, unmade, for a peer that has not read the one before", async () => {
    const world = new World();
    const transport = new SlowTransport();
    let asked = 0;
    const countedDomains = domains.map((each) => counted(each, () => asked++));
    const many = Array.from({ length: 3 }, () => countedDomains)
      .flat()
      .slice(0, 16_384);
    const value = { domains: many, ret: 0 };
    const length = encodeMessage(
      { ...remote, procedure: 273, type: 1, serial: 1, status: 0, program: remote.number },
      list.ret,
      value,
    ).length;
    assert.ok(length > 700_000);
    asked = 0;
    const calls: IncomingCall[] = [];
    const server = new Connection(world.loop, transport);
    server.open({ onCall: (call) => calls.push(call), onClose: () => {} });
    const ask = (serial: number) =>
      message({ procedure: list.number, serial }, list.args, { needResults: 1, flags: 0 });
    transport.listener?.onData(Buffer.concat([1, 2, 3, 4].map(ask)), []);
    for (const call of calls) call.reply(list.ret, value);
    await run(world);
    const made = asked / many.length;
    assert.ok(made > 1 && made < 1.5, `${made} of 4 replies were made`);
    assert.ok(transport.sent <= 131_072, "the transport holds what it was given first, and no more");
    transport.drain();
    await run(world);
    assert.equal(transport.sent, 4 * length);
    assert.equal(server.state, "open");
  });
});

/** A transport whose peer does not read at first. */
class SlowTransport implements Transport {
  sent = 0;
  backlog = 0;
  listener: TransportListener | undefined;
  #slow = true;

  open(listener: TransportListener): void {
    this.listener = listener;
  }
  send(bytes: Uint8Array): void {
    this.sent += bytes.length;
    if (this.#slow) this.backlog += bytes.length;
  }
  drain(): void {
    this.#slow = false;
    this.backlog = 0;
    this.listener?.onDrain?.();
  }
  pause(): void {}
  resume(): void {}
  close(): void {}
}
