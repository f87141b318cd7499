import assert from "node:assert/strict";
import { Loop, StateError, type Transport } from "../../src/event/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  messageLengthLimit,
  type Procedure,
  remote,
  type StreamCall,
  VirError,
} from "../../src/protocol/index.ts";
import {
  Connection,
  clientOf,
  decodeEvent,
  type Frame,
  Framer,
  type IncomingCall,
  pairInMemory,
  type Stream,
} from "../../src/rpc/index.ts";
import { SimHost, SimKernel } from "../../src/testkit/index.ts";
import { type Codec, decode, ProtocolError, struct } from "../../src/xdr/index.ts";
import type { Target } from "../target.ts";
import { words } from "./bytes.ts";

/** In pieces of how many bytes the input comes. */
const sizes = [1, 3, 7, 64, 1_000, 65_536];

/**
 * Any bytes, in pieces of any size, are the same frames, and neither end of a connection is harmed by them: nothing is
 * thrown, every call and stream ends, `onClose` comes once, and nothing is left.
 */
export const frames: Target = {
  name: "frames",
  dictionary: [
    ...words(28, 32, 0x2000_8086, 1, 0, 2, 3, 4, 5, 0x6b65_6570, 60, messageLengthLimit, 0xffff_ffff),
    ...[66, 201, 209, 212, 318].map((procedure) => head(procedure)),
  ],
  async check(input) {
    const [mode = 0, ...rest] = input;
    const bytes = Uint8Array.from(rest);
    const pieces = cut(bytes, sizes[mode % sizes.length] ?? 1);
    assert.deepEqual(framesOf(pieces), framesOf([bytes]));
    await checkEnd(pieces, (mode & 64) !== 0 ? asClient : asServer, (mode & 128) !== 0);
  },
};

/** The beginning of a call. */
function head(procedure: number): Uint8Array {
  const numbers = words(28, 0x2000_8086, 1, procedure, 0, 1, 0);
  return Uint8Array.from(numbers.flatMap((number) => [...number]));
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
  return pieces;
}

/** Everything that is in the bytes, and last the error where they are none. */
function framesOf(pieces: readonly Uint8Array[]): unknown[] {
  const framer = new Framer();
  const found: unknown[] = [];
  let pushed = 0;
  try {
    for (const piece of pieces) {
      framer.push(piece);
      pushed += piece.length;
      for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
        found.push({ ...frame, payload: [...frame.payload] });
        pushed -= frame.payload.length;
      }
      assert.ok(framer.available <= pushed);
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    found.push(error.message);
  }
  framer.close();
  return found;
}

/** What one end does: gives what has to settle in the end. */
type Side = (connection: Connection) => { readonly open: () => void; readonly work: Promise<unknown>[] };

async function checkEnd(pieces: readonly Uint8Array[], side: Side, hangsUp: boolean): Promise<void> {
  const host = new SimHost(new SimKernel());
  const errors: unknown[] = [];
  const loop = new Loop(host, { onError: (error) => errors.push(error) });
  const [near, far] = pairInMemory(loop);
  const answered = listen(far);
  const connection = new Connection(loop, near);
  const { open, work } = side(connection);
  open();
  for (const piece of pieces) {
    far.send(piece);
    host.runUntilIdle();
    await Promise.resolve();
  }
  await turn(host, 20);
  if (hangsUp) far.close();
  else connection.close();
  await turn(host, 20);
  assert.equal(await settled(work, host), work.length, "something waits for ever");
  far.close();
  void loop.close();
  await turn(host, 5);
  const [first] = errors;
  if (first !== undefined) throw first;
  const input = pieces.reduce((sum, { length }) => sum + length, 0);
  assert.ok(answered.bytes <= 65_536 + 100 * input, `${answered.bytes} bytes of answers to ${input}`);
  assert.equal(loop.state, "closed");
}

function listen(transport: Transport): { bytes: number } {
  const answered = { bytes: 0 };
  transport.open({
    onData: (bytes) => {
      answered.bytes += bytes.length;
    },
    onClose: () => {},
  });
  return answered;
}

async function turn(host: SimHost, rounds: number): Promise<void> {
  for (; rounds > 0; rounds--) {
    host.runUntilIdle();
    await Promise.resolve();
  }
}

async function settled(work: readonly Promise<unknown>[], host: SimHost): Promise<number> {
  let count = 0;
  for (const each of work) {
    void each.then(() => count++);
  }
  for (let rounds = 0; rounds < 200 && count < work.length; rounds++) await turn(host, 1);
  return count;
}

const rows = new Map(Object.values<Procedure>(remote.procedures).map((row) => [row.number, row]));
const nothing = struct("nothing", {});

/** Answers one call in each of the ways there are. */
const asServer: Side = (connection) => {
  const work: Promise<unknown>[] = [];
  let closed = 0;
  const onCall = (call: IncomingCall): void => {
    const row = rows.get(call.header.procedure);
    if (row?.kind === "call" && row.stream !== undefined && isEmpty(row.ret))
      return stream(call, row as StreamCall, work);
    if (call.header.serial % 4 === 0) return;
    if (call.header.serial % 4 === 1) call.reply(nothing, {});
    else call.fail(VirError.of(ErrorCode.noSupport, ErrorDomain.rpc, "fuzz"));
    call.reply(nothing, {});
  };
  return {
    work,
    open: () => connection.open({ onCall, onClose: () => assert.equal(++closed, 1) }),
  };
};

function isEmpty({ shape }: Codec): boolean {
  return shape.kind === "struct" && Object.keys(shape.fields).length === 0;
}

function stream(call: IncomingCall, row: StreamCall, work: Promise<unknown>[]): void {
  try {
    const opened = call.openStream(row, decode(row.args, call.args), {});
    work.push(use(opened));
  } catch (error) {
    expected(error);
  }
}

async function use(stream: Stream): Promise<void> {
  const reading = async (): Promise<void> => {
    for await (const part of stream.parts()) void part;
  };
  const writing = async (): Promise<void> => {
    await stream.write(new Uint8Array(10));
    await stream.finish();
  };
  for (const { status, ...result } of await Promise.allSettled([reading(), writing()])) {
    if (status === "rejected") expected((result as PromiseRejectedResult).reason);
  }
}

/** Waits for replies, events and a stream. */
const asClient: Side = (connection) => {
  let closed = 0;
  const work: Promise<unknown>[] = [];
  const onEvent = (frame: Frame): void => {
    try {
      decodeEvent(remote, frame);
    } catch (error) {
      expected(error);
    }
  };
  const client = clientOf(connection, remote);
  const vol = { pool: "default", name: "disk", key: "/disk" };
  const calls = (): Promise<unknown>[] => [
    client.connectGetType({}),
    client.connectGetVersion({}),
    client.storageVolDownload({ vol, offset: 0n, length: 0n, flags: 1 }).then(({ stream }) => use(stream as Stream)),
    client.storageVolUpload({ vol, offset: 0n, length: 0n, flags: 1 }).then(({ stream }) => use(stream as Stream)),
  ];
  return {
    work,
    open: () => {
      connection.open({ onEvent, onClose: () => assert.equal(++closed, 1) });
      for (const each of calls()) work.push(each.catch(expected));
    },
  };
};

/** What a broken peer may make of a call: errors that say so, and no slips of ours. */
function expected(error: unknown): void {
  if (!(error instanceof VirError || error instanceof ProtocolError || error instanceof StateError)) throw error;
}
