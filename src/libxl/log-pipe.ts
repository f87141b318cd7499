import type { Loop } from "../event/index.ts";
import { Ready } from "../event/index.ts";
import { check, close, read } from "../os/libc.ts";
import { type LogLevel, type LogLine, levelNumber, parseLogLine } from "./log-line.ts";
import { fclose, fcntl, fdopen, type Pointer, pipe2, type RawLibrary } from "./raw.ts";

const closeOnExecAndNonBlocking = 0o2000000 | 0o4000;
const setPipeSize = 1031;
const hideProgress = 4;

/**
 * libxl's log, as text through a pipe. A logger of our own would be a function of ours in C's table, and libxl's logger is
 * also called in the children that it forks: there JavaScript must not run. Writing to a pipe is safe in all of them.
 *
 *     open -> closed
 *
 * The library never waits for us: what does not fit (1 MiB, while our thread builds a domain) is lost.
 * read:  hands on what has been written so far; also called by the loop.
 * close: once the library has done with `logger`; hands on the rest.
 */
export class LogPipe {
  readonly logger: Pointer;
  readonly #raw: RawLibrary;
  readonly #stream: Pointer;
  readonly #fd: number;
  readonly #onLine: (line: LogLine) => void;
  readonly #decoder = new TextDecoder();
  readonly #remove: () => void;
  #text = "";
  #before: LogLine | undefined;
  #closed = false;

  constructor(loop: Loop, raw: RawLibrary, level: LogLevel, onLine: (line: LogLine) => void) {
    this.#raw = raw;
    this.#onLine = onLine;
    const ends = new Int32Array(2);
    check(pipe2(ends, closeOnExecAndNonBlocking), "pipe2", "libxl's log");
    const [readEnd = -1, writeEnd = -1] = ends;
    // Refused for a user who holds too many large pipes; then it stays at 64 KiB.
    fcntl(writeEnd, setPipeSize, 2 ** 20);
    this.#fd = readEnd;
    const stream = fdopen(writeEnd, "w");
    const logger = stream === null ? null : raw.createLogger(stream, levelNumber(level), hideProgress);
    if (stream === null || logger === null) throw new Error("libxl's log could not be opened: out of memory");
    this.#stream = stream;
    this.logger = logger;
    const watch = loop.watch(readEnd, Ready.readable, () => this.read(), {
      name: "libxl's log",
      release: () => close(readEnd),
    });
    this.#remove = () => watch.remove();
  }

  read(): void {
    if (this.#closed) return;
    const bytes = new Uint8Array(65_536);
    for (;;) {
      const count = read(this.#fd, bytes, bytes.length);
      if (count <= 0) return;
      this.#take(this.#decoder.decode(bytes.subarray(0, count), { stream: true }));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#raw.destroyLogger(this.logger);
    fclose(this.#stream);
    this.read();
    this.#closed = true;
    this.#remove();
  }

  #take(text: string): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      this.#before = parseLogLine(line, this.#before);
      this.#onLine(this.#before);
    }
  }
}
