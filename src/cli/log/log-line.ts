import type { LogEntry } from "../../daemon/index.ts";
import type { LogLevel } from "./log-settings.ts";

const rows: Readonly<Record<LogEntry["level"], { level: LogLevel; word: string; priority: number }>> = {
  debug: { level: 1, word: "debug", priority: 7 },
  info: { level: 2, word: "info", priority: 6 },
  warn: { level: 3, word: "warning", priority: 4 },
  error: { level: 4, word: "error", priority: 3 },
};

export function levelOf(entry: LogEntry): LogLevel {
  return rows[entry.level].level;
}

/** As libvirt writes it, with the time in UTC: "2026-11-24 01:02:03.456+0000: 4711: warning : rpc : text". */
export function logLine(entry: LogEntry, now: number, pid: number): string {
  const time = new Date(now).toISOString().replace("T", " ").replace("Z", "+0000");
  return `${time}: ${pid}: ${rows[entry.level].word} : ${entry.source} : ${textOf(entry)}\n`;
}

/** As systemd reads it from a service's stderr; time and process are the journal's to add. */
export function journalLine(entry: LogEntry): string {
  return `<${rows[entry.level].priority}>${entry.source} : ${textOf(entry)}\n`;
}

function textOf({ message, peer }: LogEntry): string {
  return oneLine(peer === undefined ? message : `client ${peer}: ${message}`);
}

/** One line, whatever a client has made us say. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, escaped);
}

function escaped(character: string): string {
  return character === "\n" ? "\\n" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
