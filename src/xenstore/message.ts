/** Kinds of messages, as numbered by Xen's public/io/xs_wire.h. An answer has its request's, or `error`. */
export const MessageType = {
  directory: 1,
  read: 2,
  getPermissions: 3,
  watch: 4,
  unwatch: 5,
  transactionStart: 6,
  transactionEnd: 7,
  getDomainPath: 10,
  write: 11,
  mkdir: 12,
  rm: 13,
  setPermissions: 14,
  watchEvent: 15,
  error: 16,
  isDomainIntroduced: 17,
  directoryPart: 22,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Longest body either side may send; xenstored hangs up on a longer one. */
export const bodyLimit = 4096;
export const headerLength = 16;

export interface Message {
  readonly type: number;
  /** Chosen by the requester and repeated in the answer; 0 in watch events. */
  readonly requestId: number;
  /** 0 outside of transactions. */
  readonly transactionId: number;
  readonly body: Uint8Array;
}

/** In the byte order of the machine, which is little on all that Xen runs on. */
export function encodeMessage({ type, requestId, transactionId, body }: Message): Uint8Array {
  const bytes = new Uint8Array(headerLength + body.length);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of [type, requestId, transactionId, body.length].entries()) {
    view.setUint32(index * 4, value, true);
  }
  bytes.set(body, headerLength);
  return bytes;
}

/** `bytes` is a whole message. */
export function decodeMessage(bytes: Uint8Array): Message {
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerLength);
  const [type, requestId, transactionId] = [0, 4, 8].map((offset) => view.getUint32(offset, true));
  return {
    type: type ?? 0,
    requestId: requestId ?? 0,
    transactionId: transactionId ?? 0,
    body: bytes.subarray(headerLength),
  };
}
