export type { AbortSignalLike, CallOptions } from "./call-options.ts";
export { clientOf, decodeEvent, encodeEvent, type ReceivedEvent } from "./client.ts";
export { Connection, type ConnectionListener, type ConnectionOptions } from "./connection.ts";
export { type Frame, Framer, type FramerOptions } from "./framer.ts";
export { type AnswerSink, IncomingCall } from "./incoming-call.ts";
export { Keepalive, type KeepaliveActions, type KeepaliveOptions } from "./keepalive.ts";
export { pairInMemory } from "./memory-transport.ts";
export { Stream } from "./stream.ts";
export type { Hole, StreamPart } from "./stream-part.ts";
