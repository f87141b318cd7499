import { type Codec, ProtocolError, XdrReader, XdrWriter } from "../xdr/index.ts";

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

export interface Header {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
}

/** A whole message, length word included. ProtocolError when the value does not fit its type, or the message its limit. */
export function encodeMessage<T>(header: Header, codec: Codec<T>, value: T): Uint8Array {
  const writer = new XdrWriter();
  writer.uint(0);
  writer.uint(header.program);
  writer.uint(header.version);
  writer.int(header.procedure);
  writer.uint(header.type);
  writer.uint(header.serial);
  writer.uint(header.status);
  codec.write(writer, value);
  if (writer.length > messageLengthLimit) {
    throw new ProtocolError(`a message of ${writer.length} bytes, the limit is ${messageLengthLimit}`);
  }
  writer.patchUint(0, writer.length);
  return writer.bytes;
}

/** The header of a whole message, of at least `headerLength` bytes. */
export function decodeHeader(message: Uint8Array): Header {
  const reader = new XdrReader(message.subarray(4));
  return {
    program: reader.uint(),
    version: reader.uint(),
    procedure: reader.int(),
    type: reader.uint(),
    serial: reader.uint(),
    status: reader.uint(),
  };
}
