import { type Header, MessageType, remote, Status, StreamHole, VirError, WireError } from "../../src/protocol/index.ts";
import type { Frame } from "../../src/rpc/index.ts";
import { decode, rest } from "../../src/xdr/index.ts";
import { message, nothing } from "./world.ts";

/** The call that has opened a stream: procedure and serial are the stream's name. */
export type Opening = Pick<Header, "procedure" | "serial">;

export const vol = { pool: "default", name: "disk", key: "/disk" };
/** `flags` of the calls whose stream may have holes. */
export const sparse = 1;
export const download = remote.procedures.storageVolDownload.number;
export const upload = remote.procedures.storageVolUpload.number;
export const terminal = remote.procedures.domainOpenConsole.number;

/** Packets of a stream, as bytes. */
export const packet = {
  data: ({ procedure, serial }: Opening, bytes: Uint8Array): Uint8Array =>
    message({ procedure, serial, type: MessageType.stream, status: Status.continue }, rest, bytes),
  hole: ({ procedure, serial }: Opening, length: bigint): Uint8Array => {
    const header = { procedure, serial, type: MessageType.streamHole, status: Status.continue };
    return message(header, StreamHole, { length, flags: 0 });
  },
  /** A client's finish, and the confirmation of a server. */
  finish: ({ procedure, serial }: Opening): Uint8Array =>
    message({ procedure, serial, type: MessageType.stream, status: Status.ok }, nothing, {}),
  /** A client's abort. */
  abort: ({ procedure, serial }: Opening): Uint8Array =>
    message({ procedure, serial, type: MessageType.stream, status: Status.error }, nothing, {}),
  error: ({ procedure, serial }: Opening, error: VirError): Uint8Array =>
    message({ procedure, serial, type: MessageType.stream, status: Status.error }, WireError, error.toWire()),
};

/** What a message is, in a word: "data:3", "eof", "hole:10", "finish", "abort", "error: ...", "reply" and so on. */
export function inWords({ header, payload }: Frame): string {
  if (header.type === MessageType.streamHole) return `hole:${decode(StreamHole, payload).length}`;
  if (header.type === MessageType.stream) {
    if (header.status === Status.ok) return "finish";
    if (header.status === Status.continue) return payload.length === 0 ? "eof" : `data:${payload.length}`;
    return payload.length === 0 ? "abort" : `error: ${VirError.fromWire(decode(WireError, payload)).message}`;
  }
  if (header.type !== MessageType.reply) return `type ${header.type}`;
  return header.status === Status.ok ? "reply" : `failed: ${VirError.fromWire(decode(WireError, payload)).message}`;
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Reads a stream to its end; what it throws is thrown. */
export async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const bytes of stream) text += new TextDecoder().decode(bytes);
  return text;
}
