import type { Socket } from "node:net";
import { Duplex } from "node:stream";

const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** Codes of RFC 6455, 7.4.1. */
const endCode = { normal: 1_000, protocol: 1_002, unsupported: 1_003 } as const;
/** Of ping, pong and close. */
const longestControl = 125;
/** What may wait to be sent, in bytes, when a ping is answered. */
const pongRoom = 65_536;

/** What stands before the bytes of a frame. */
interface Head {
  readonly opcode: number;
  readonly length: number;
  readonly mask: Buffer;
  readonly size: number;
}

/**
 * The server's end of a WebSocket (RFC 6455) as a stream of bytes: where messages begin and end does not matter. Frames are
 * handed on as they come, so that none has to fit into memory. Pings are answered. A client that breaks the rules is told,
 * and left.
 */
export class WebSocketStream extends Duplex {
  readonly #socket: Socket;
  /** What has come and is not read: part of a head, or of a control frame. */
  #pending: Buffer = Buffer.alloc(0);
  /** The frame whose bytes come now, and how many have come. */
  #frame: Head | undefined;
  #taken = 0;
  #hasSaidGoodbye = false;

  /** `head`: what has come behind the handshake. */
  constructor(socket: Socket, head: Buffer) {
    super();
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#onData(bytes));
    socket.on("end", () => this.push(null));
    socket.on("close", () => this.destroy());
    socket.on("error", (error) => this.destroy(error));
    socket.pause();
    if (head.length > 0) socket.unshift(head);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#socket.cork();
    this.#socket.write(headOf(opcode.binary, chunk.length));
    this.#socket.write(chunk, callback);
    this.#socket.uncork();
  }

  override _final(callback: () => void): void {
    this.#sayGoodbye(endCode.normal);
    this.#socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }

  #onData(bytes: Buffer): void {
    if (this.#hasSaidGoodbye) return;
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    while (this.#pending.length > 0 && !this.#hasSaidGoodbye && !this.destroyed) if (!this.#take()) break;
  }

  /** False when more has to come first. */
  #take(): boolean {
    this.#frame ??= this.#takeHead();
    if (this.#frame === undefined) return false;
    const { opcode: kind, length, mask } = this.#frame;
    const isControl = kind >= opcode.close;
    if (isControl && this.#pending.length < length) return false;
    const part = this.#pending.subarray(0, length - this.#taken);
    this.#pending = this.#pending.subarray(part.length);
    const content = unmasked(part, mask, this.#taken);
    this.#taken += part.length;
    if (this.#taken === length) {
      this.#frame = undefined;
      this.#taken = 0;
    }
    if (isControl) this.#onControl(kind, content);
    else if (content.length > 0 && !this.push(content)) this.#socket.pause();
    return true;
  }

  #takeHead(): Head | undefined {
    const head = readHead(this.#pending);
    if (typeof head === "number") this.#fail(head);
    if (typeof head !== "object") return undefined;
    this.#pending = this.#pending.subarray(head.size);
    return head;
  }

  #onControl(kind: number, content: Buffer): void {
    if (kind === opcode.ping) this.#answerPing(content);
    if (kind !== opcode.close) return;
    this.#sayGoodbye(endCode.normal);
    this.push(null);
  }

  /** One who does not read what has been written gets no more of it. */
  #answerPing(content: Buffer): void {
    if (this.#socket.writableLength >= pongRoom) return;
    this.#socket.write(Buffer.concat([headOf(opcode.pong, content.length), content]));
  }

  #fail(code: number): void {
    this.#sayGoodbye(code);
    this.#socket.end();
    this.push(null);
  }

  #sayGoodbye(code: number): void {
    if (this.#hasSaidGoodbye) return;
    this.#hasSaidGoodbye = true;
    this.#pending = Buffer.alloc(0);
    this.#socket.write(Buffer.concat([headOf(opcode.close, 2), Buffer.from([code >> 8, code & 0xff])]));
  }
}

/** Undefined: it has not come yet; a number: why it may not be so. */
function readHead(bytes: Buffer): Head | number | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const kind = first & 0x0f;
  const isControl = kind >= opcode.close;
  const short = second & 0x7f;
  // Extensions were not agreed on; a client has to mask; control frames are short and whole.
  if ((first & 0x70) !== 0 || (second & 0x80) === 0) return endCode.protocol;
  if (isControl && (short > longestControl || (first & 0x80) === 0)) return endCode.protocol;
  if (kind === opcode.text) return endCode.unsupported;
  if (!known.has(kind)) return endCode.protocol;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const size = 2 + extra + 4;
  if (bytes.length < size) return undefined;
  const length = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (!Number.isSafeInteger(length)) return endCode.protocol;
  return { opcode: kind, length, mask: bytes.subarray(size - 4, size), size };
}

const known: ReadonlySet<number> = new Set(Object.values(opcode));

function headOf(kind: number, length: number): Buffer {
  if (length < 126) return Buffer.from([0x80 | kind, length]);
  const isShort = length < 65_536;
  const head = Buffer.alloc(isShort ? 4 : 10);
  head[0] = 0x80 | kind;
  head[1] = isShort ? 126 : 127;
  if (isShort) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

function unmasked(part: Buffer, mask: Buffer, offset: number): Buffer {
  const content = Buffer.allocUnsafe(part.length);
  for (let index = 0; index < part.length; index++)
    content[index] = (part[index] as number) ^ (mask[(offset + index) & 3] as number);
  return content;
}
