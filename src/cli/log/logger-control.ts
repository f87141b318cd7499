import type { LogControl } from "../../daemon/index.ts";
import { type LogOutput, type LogSettings, parseLogFilters, parseLogOutputs } from "./log-settings.ts";
import type { Logger } from "./logger.ts";

/** A logger in the hands of an administrator: what is set here holds until the file is read again. */
export class LoggerControl implements LogControl {
  readonly #logger: Logger;
  #file: LogSettings;
  #filters: LogSettings["filters"];
  #outputs: LogSettings["outputs"];

  constructor(logger: Logger, settings: LogSettings) {
    this.#logger = logger;
    this.#file = settings;
    this.#filters = settings.filters;
    this.#outputs = settings.outputs;
  }

  /** The file says something else now. Throws what opening its outputs throws. */
  follow(settings: LogSettings): void {
    this.#logger.configure(settings);
    this.#file = settings;
    this.#filters = settings.filters;
    this.#outputs = settings.outputs;
  }

  /** With a space behind each, as libvirt writes them. */
  get filters(): string {
    return this.#filters.map(({ level, match }) => `${level}:*${match.replaceAll(/^\*|\*$/g, "")}* `).join("");
  }

  /** An output that gets everything has what the general level lets through. */
  get outputs(): string {
    return this.#outputs.map((output) => wordOf(output, this.#file)).join(" ");
  }

  setFilters(text: string): void {
    checkForm(
      text,
      (word) => `Malformed format for filter '${word}'`,
      (level, word) => `Invalid priority '${level}' for filter '${word}'`,
    );
    this.#set(text.trim() === "" ? [] : parseLogFilters(text), this.#outputs);
  }

  setOutputs(text: string): void {
    checkForm(
      text,
      (word) => `Malformed format for log output '${word}'`,
      (level, word) => `Invalid log priority '${level}' for log output '${word}'`,
    );
    this.#set(this.#filters, text.trim() === "" ? this.#file.outputs : parseLogOutputs(text));
  }

  #set(filters: LogSettings["filters"], outputs: LogSettings["outputs"]): void {
    this.#logger.configure({ ...this.#file, filters, outputs });
    this.#filters = filters;
    this.#outputs = outputs;
  }
}

function wordOf(output: LogOutput, { level, outputs }: LogSettings): string {
  const shown = outputs.includes(output) && output.level === 1 ? level : output.level;
  return `${shown}:${output.kind === "file" ? `file:${output.path}` : output.kind}`;
}

/** Throws RangeError in libvirt's words. */
function checkForm(
  text: string,
  malformed: (word: string) => string,
  wrong: (level: string, word: string) => string,
): void {
  for (const word of text.split(/\s+/).filter((each) => each !== "")) {
    const [, level, rest] = /^([^:]*):(.+)$/.exec(word) ?? [];
    if (level === undefined || rest === undefined) throw new RangeError(malformed(word));
    if (!/^[1-4]$/.test(level)) throw new RangeError(wrong(level, word));
  }
}
