/** libvirt's numbers: 1 debug, 2 info, 3 warning, 4 error. */
export type LogLevel = 1 | 2 | 3 | 4;

/** Entries of sources that match are written from this level on. */
export interface LogFilter {
  readonly level: LogLevel;
  /** A part of a source's name, in which "*" and "?" stand for any characters and any one. */
  readonly match: string;
}

export type LogTarget =
  | { readonly kind: "stderr" | "journald" }
  /** Is appended to. */
  | { readonly kind: "file"; readonly path: string };

/** Gets entries from this level on, of those that pass the filters. */
export type LogOutput = LogTarget & { readonly level: LogLevel };

export interface LogSettings {
  /** Of sources that no filter matches. */
  readonly level: LogLevel;
  /** The first that matches a source decides. */
  readonly filters: readonly LogFilter[];
  readonly outputs: readonly LogOutput[];
}

/** libvirt's log_filters: "1:qemu 3:rpc". Throws RangeError, which says what is allowed. */
export function parseLogFilters(text: string): LogFilter[] {
  return words(text).map((word) => {
    const { level, rest } = splitLevel(word, "LEVEL:SOURCE");
    return { level, match: rest };
  });
}

/** libvirt's log_outputs: "3:stderr 1:file:/path". Throws RangeError, which says what is allowed. */
export function parseLogOutputs(text: string): LogOutput[] {
  return words(text).map((word) => {
    const { level, rest } = splitLevel(word, "LEVEL:OUTPUT");
    if (rest === "stderr" || rest === "journald") return { level, kind: rest };
    if (rest.startsWith("file:/")) return { level, kind: "file", path: rest.slice("file:".length) };
    const advice = rest.startsWith("syslog") ? "; journald reaches syslog where there is one" : "";
    throw new RangeError(`"${word}": an output is stderr, journald or file:/ABSOLUTE/PATH${advice}`);
  });
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function splitLevel(word: string, form: string): { level: LogLevel; rest: string } {
  const [, digit = "", rest = ""] = /^([1-4]):(.+)$/.exec(word) ?? [];
  if (rest === "") throw new RangeError(`"${word}" is not ${form}, with a level from 1 (debug) to 4 (error)`);
  return { level: Number(digit) as LogLevel, rest };
}
