import { remote } from "../../src/protocol/index.ts";
import {
  Connection,
  type ConnectionOptions,
  clientOf,
  type Frame,
  type IncomingCall,
  pairInMemory,
} from "../../src/rpc/index.ts";
import { RawEnd, type World } from "./world.ts";

/** A server's end under test, its calls kept for the test to answer, and a client's end of raw bytes. */
export function serve(world: World, options?: ConnectionOptions) {
  const [near, far] = pairInMemory(world.loop);
  const calls: IncomingCall[] = [];
  const closed: (Error | undefined)[] = [];
  const server = new Connection(world.loop, near, options);
  server.open({ onCall: (call) => calls.push(call), onClose: (cause) => closed.push(cause) });
  return { server, calls, closed, client: new RawEnd(far) };
}

/** A client's end under test, and a server's end of raw bytes. */
export function connect(world: World, options?: ConnectionOptions) {
  const [near, far] = pairInMemory(world.loop);
  const events: Frame[] = [];
  const closed: (Error | undefined)[] = [];
  const connection = new Connection(world.loop, near, options);
  connection.open({ onEvent: (frame) => events.push(frame), onClose: (cause) => closed.push(cause) });
  return { connection, events, closed, client: clientOf(connection, remote), server: new RawEnd(far) };
}
