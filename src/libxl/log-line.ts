/** libxl's log levels, in order, by their names in its text. */
export const logLevels = [
  "debug",
  "verbose",
  "detail",
  "progress",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
] as const;

export type LogLevel = (typeof logLevels)[number];

/** One message: `source` is the part of libxl that says so ("libxl", "xc"). */
export interface LogLine {
  readonly level: LogLevel;
  readonly source: string;
  readonly message: string;
}

/** As xentoollog counts: 0 is its "none". */
export function levelNumber(level: LogLevel): number {
  return logLevels.indexOf(level) + 1;
}

const form = new RegExp(`^(?:([^:]+): )?(${logLevels.join("|")}): (.*)$`);

/** A line of xentoollog's; one that continues a message of several lines has the level and source of the line `before`. */
export function parseLogLine(text: string, before?: LogLine): LogLine {
  const [, source = "", level, message = ""] = form.exec(text) ?? [];
  if (level !== undefined) return { level: level as LogLevel, source, message };
  return { level: before?.level ?? "notice", source: before?.source ?? "", message: text };
}
