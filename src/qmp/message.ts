import { MonitorClosedError } from "./errors.ts";

/** A JSON object. Integers beyond 2^53 have lost their last digits. */
export type JsonObject = { readonly [name: string]: unknown };

/** Something that happened in QEMU. */
export interface MonitorEvent {
  /** As in QMP: `SHUTDOWN`. */
  readonly name: string;
  readonly data: JsonObject;
  /** When, by the host's wall clock, in milliseconds since 1970. */
  readonly timeMs: number;
}

export type Message =
  | { readonly kind: "greeting"; readonly version: JsonObject; readonly capabilities: readonly string[] }
  | { readonly kind: "event"; readonly event: MonitorEvent }
  | { readonly kind: "result"; readonly id: unknown; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: unknown; readonly errorClass: string; readonly description: string };

/**
 * Reads one line of QMP; `onJson` sees it before it is understood. Throws MonitorClosedError when it is none: nothing
 * behind it can be trusted.
 */
export function parseMessage(line: string, onJson: (json: JsonObject) => void = () => {}): Message {
  const json = parseObject(line);
  onJson(json);
  if (isObject(json["QMP"])) {
    const { version, capabilities } = json["QMP"];
    const offered = Array.isArray(capabilities) ? capabilities.map(String) : [];
    return { kind: "greeting", version: objectOf(version), capabilities: offered };
  }
  if (typeof json["event"] === "string") return { kind: "event", event: eventOf(json["event"], json) };
  if ("return" in json) return { kind: "result", id: json["id"], value: json["return"] };
  if (!isObject(json["error"])) throw garbage(line);
  const { class: errorClass, desc } = json["error"];
  return { kind: "refusal", id: json["id"], errorClass: String(errorClass), description: String(desc) };
}

function parseObject(line: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (error) {
    throw garbage(line, error);
  }
  if (!isObject(json)) throw garbage(line);
  return json;
}

function eventOf(name: string, json: JsonObject): MonitorEvent {
  const { seconds, microseconds } = objectOf(json["timestamp"]);
  return { name, data: objectOf(json["data"]), timeMs: Number(seconds) * 1000 + Number(microseconds) / 1000 };
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function garbage(line: string, cause?: unknown): MonitorClosedError {
  return new MonitorClosedError(`the monitor sent what is not QMP: ${line.slice(0, 200)}`, { cause });
}
