import { clearLine, cursorTo } from "node:readline";
import { createInterface } from "node:readline/promises";

export interface TypedLinesOptions {
  readonly prompt: () => string;
  /** What was typed before, the last first. */
  readonly history: readonly string[];
  /** What could stand at the end of a line, and what of it is there already. */
  readonly complete: (line: string) => Promise<[found: string[], begun: string]>;
}

/**
 * The lines that are typed at this terminal. Between two of them it is nobody's, as commands may want it; what was typed ahead,
 * or pasted, and has been read already waits here.
 *
 *     open -> over        by Ctrl-D
 */
export class TypedLines {
  readonly #options: TypedLinesOptions;
  readonly #waiting: string[] = [];
  /** What was typed behind the last line. */
  #begun = "";
  #isOver = false;

  constructor(options: TypedLinesOptions) {
    this.#options = options;
  }

  /** Undefined when there are no more. Ctrl-C gives up the line, which is empty then, and those that wait. */
  async next(): Promise<string | undefined> {
    const line = this.#waiting.shift();
    if (line !== undefined) {
      // It was shown before what the commands before it have said.
      process.stdout.write(`${this.#options.prompt()}${line}\n`);
      return line;
    }
    if (!this.#isOver) await this.#read();
    return this.#waiting.shift();
  }

  #read(): Promise<void> {
    const { prompt, history, complete } = this.#options;
    const reading = createInterface({
      input: process.stdin,
      output: process.stdout,
      history: [...history],
      completer: complete,
    });
    let isEnough = false;
    const leave = (begun: string): void => {
      isEnough = true;
      this.#begun = begun;
      reading.close();
      if (begun === "") return;
      // It is shown again when its turn comes.
      cursorTo(process.stdout, 0);
      clearLine(process.stdout, 1);
    };
    reading.on("line", (line) => {
      // All that was read with it comes first.
      if (this.#waiting.push(line) === 1) process.nextTick(() => leave(reading.line));
    });
    reading.on("SIGINT", () => {
      process.stdout.write("^C\n");
      this.#waiting.splice(0, this.#waiting.length, "");
      leave("");
    });
    reading.setPrompt(prompt());
    reading.prompt();
    reading.write(this.#begun);
    return new Promise((resolve) => {
      reading.once("close", () => {
        this.#isOver = !isEnough;
        resolve();
      });
    });
  }
}
