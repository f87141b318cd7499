import {
  ErrorCode,
  ErrorDomain,
  encodeInPieces,
  type Header,
  MessageType,
  Status,
  VirError,
  WireError,
} from "../protocol/index.ts";
import type { Codec } from "../xdr/index.ts";
import type { AnswerSink } from "./incoming-call.ts";
import type { LongReplies } from "./long-replies.ts";
import type { Outbox } from "./outbox.ts";
import type { PassedFds } from "./passed-fds.ts";
import type { Stream } from "./stream.ts";
import type { StreamSide } from "./stream-end.ts";
import type { StreamTable } from "./stream-table.ts";

export interface AnswersOptions {
  readonly outbox: Outbox;
  readonly longReplies: LongReplies;
  readonly streams: StreamTable;
  readonly passedFds: PassedFds;
  /** Whether the transport passes descriptors. */
  readonly passesFds: boolean;
  /** After each answer, whatever has become of it. */
  readonly onAnswered: () => void;
}

/** A reply with lists is encoded in pieces of so many bytes: a millisecond's work at most. */
const portion = 65_536;

/** The answers to a peer's calls. What cannot be said in a reply is said in an error: every call gets one or the other. */
export class Answers implements AnswerSink {
  readonly #options: AnswersOptions;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  reply<T>(header: Header, codec: Codec<T>, value: T, fds: readonly number[]): void {
    try {
      if (codec.writeSteps !== undefined && fds.length === 0) return this.#replyInPieces(header, codec, value);
      this.#reply(header, codec, value, fds);
    } catch (error) {
      return this.fail(header, toVirError(error));
    }
    this.#options.onAnswered();
  }

  fail(header: Header, error: VirError): void {
    this.#options.outbox.add({ ...header, type: MessageType.reply, status: Status.error }, WireError, error.toWire());
    this.#options.onAnswered();
  }

  /** The reply goes out before anything of the stream, and nothing of it can come before it is there. */
  openStream<T>(header: Header, codec: Codec<T>, value: T, side: StreamSide): Stream {
    try {
      this.#options.streams.check(header);
      this.#reply(header, codec, value, []);
    } catch (error) {
      this.fail(header, toVirError(error));
      throw error;
    }
    const stream = this.#options.streams.open(header, side);
    this.#options.onAnswered();
    return stream;
  }

  takeFds(fds: readonly number[]): void {
    this.#options.passedFds.take(fds);
  }

  releaseFds(fds: readonly number[]): void {
    this.#options.passedFds.release(fds);
  }

  /** One piece is enough for most, and leaves at once. */
  #replyInPieces<T>(header: Header, codec: Codec<T>, value: T): void {
    const { outbox, longReplies, onAnswered } = this.#options;
    const encoding = encodeInPieces({ ...header, type: MessageType.reply, status: Status.ok }, codec, value, portion);
    const step = encoding.next();
    if (step.done === true) {
      outbox.addPieces(step.value);
      return onAnswered();
    }
    const onEnd = (error?: unknown): void => {
      if (error === undefined) onAnswered();
      else this.fail(header, toVirError(error));
    };
    longReplies.add({ encoding, onEnd });
  }

  #reply<T>(header: Header, codec: Codec<T>, value: T, fds: readonly number[]): void {
    const { outbox, passesFds } = this.#options;
    const answer = { ...header, status: Status.ok };
    if (fds.length === 0) return outbox.add({ ...answer, type: MessageType.reply }, codec, value);
    if (!passesFds) {
      const detail = "descriptors cannot be passed on this connection: use a Unix socket";
      throw VirError.of(ErrorCode.operationUnsupported, ErrorDomain.rpc, detail);
    }
    outbox.addWithFds({ ...answer, type: MessageType.replyWithFds }, codec, value, fds);
  }
}

function toVirError(error: unknown): VirError {
  if (error instanceof VirError) return error;
  return VirError.of(ErrorCode.rpc, ErrorDomain.rpc, "Unable to encode message payload", error);
}
