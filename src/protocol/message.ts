import { type Codec, hyper, ProtocolError, struct, uint, uintAt, XdrWriter } from "../xdr/index.ts";

/** What a message is. Whoever opened a stream gave it the serial of the call that did so. */
export const MessageType = {
  call: 0,
  reply: 1,
  /** Unasked: an event, or keepalive. */
  message: 2,
  stream: 3,
  callWithFds: 4,
  replyWithFds: 5,
  streamHole: 6,
} as const;

export const Status = { ok: 0, error: 1, continue: 2 } as const;

/** The serial of every event; libvirt's own servers send 1, though its protocol says 0. */
export const eventSerial = 1;

/** Bytes before the payload: the length word, and 24 of header. */
export const headerLength = 28;
/** The highest value of the length word, which counts itself. */
export const messageLengthLimit = 33_554_436;
/** Most descriptors passed with one message. */
export const fdLimit = 32;
/** Most data in one packet of a stream, as libvirt's own ends send it; they take more. */
export const streamDataLimit = 262_120;

/** The payload of a hole: so many bytes of a stream that are all zero. `flags` are always 0. */
export const StreamHole = struct("stream_hole", { length: hyper, flags: uint });

export interface Header {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
}

/** A whole message, length word included. ProtocolError when the value does not fit its type, or the message its limit. */
export function encodeMessage<T>(header: Header, codec: Codec<T>, value: T, fds = 0): Uint8Array {
  const writer = new XdrWriter();
  appendMessage(writer, header, codec, value, fds);
  return writer.bytes;
}

/**
 * Appends a whole message to others, or nothing when it throws. `fds` is how many descriptors will follow it, for the
 * types that can have some.
 */
export function appendMessage<T>(writer: XdrWriter, header: Header, codec: Codec<T>, value: T, fds = 0): void {
  const start = writer.length;
  try {
    writeHeader(writer, header, fds);
    codec.write(writer, value);
    const length = writer.length - start;
    checkLength(length);
    writer.patchUint(start, length);
  } catch (error) {
    writer.truncate(start);
    throw error;
  }
}

/**
 * A whole message in pieces of about `portion` bytes, with a pause behind each: for a type with lists, which may be
 * long. Throws as `encodeMessage` does.
 */
export function* encodeInPieces<T>(
  header: Header,
  codec: Codec<T>,
  value: T,
  portion: number,
): Generator<void, Uint8Array[], void> {
  const writer = new XdrWriter();
  const pieces: Uint8Array[] = [];
  let length = 0;
  writeHeader(writer, header, 0);
  if (codec.writeSteps === undefined) codec.write(writer, value);
  for (const _ of codec.writeSteps?.(writer, value) ?? []) {
    checkLength(length + writer.length);
    if (writer.length < portion) continue;
    length += writer.length;
    // With room for the item that exceeds the portion: to grow would cost the same again.
    pieces.push(writer.take(portion + (portion >> 3)));
    yield;
  }
  length += writer.length;
  pieces.push(writer.bytes);
  checkLength(length);
  const [first] = pieces as [Uint8Array];
  new DataView(first.buffer, first.byteOffset).setUint32(0, length);
  return pieces;
}

function checkLength(length: number): void {
  if (length <= messageLengthLimit) return;
  throw new ProtocolError(`a message of ${length} bytes, the limit is ${messageLengthLimit}`);
}

function writeHeader(writer: XdrWriter, header: Header, fds: number): void {
  writer.uint(0);
  writer.uint(header.program);
  writer.uint(header.version);
  writer.int(header.procedure);
  writer.uint(header.type);
  writer.uint(header.serial);
  writer.uint(header.status);
  if (passesFds(header)) writer.uint(fds);
}

/** Whether the payload begins with a count of descriptors, which follow the message with a byte each. */
export function passesFds({ type }: Pick<Header, "type">): boolean {
  return type === MessageType.callWithFds || type === MessageType.replyWithFds;
}

/** The header of a whole message, of at least `headerLength` bytes. */
export function decodeHeader(message: Uint8Array): Header {
  return {
    program: uintAt(message, 4),
    version: uintAt(message, 8),
    procedure: uintAt(message, 12) | 0,
    type: uintAt(message, 16),
    serial: uintAt(message, 20),
    status: uintAt(message, 24),
  };
}
