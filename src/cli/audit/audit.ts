import { parseArgs } from "node:util";
import { loadConfig } from "../configured-daemon.ts";
import { placesOf } from "../places.ts";
import { UsageError } from "../usage-error.ts";
import { type DatedRecord, readAudit } from "./audit-file.ts";

export const auditUsage = `virtwright audit: what clients have changed, and what they were not allowed to

  --who TEXT       of those who are described so: alice, "user 0,", CN=ops
  --call NAME      libvirt's function, or a part of its name: Destroy
  --object TEXT    an object's name or uuid, or a part of it
  --result WORD    done, failed or denied
  --since TIME     2026-11-29, 2026-11-29T03:00Z, or 10m, 2h, 3d ago
  --last N         the last N of them. Default 100; 0: all
  --json           as it was written, a line of JSON each
  --file FILE      instead of the daemon's file
  --session        the file of a daemon of one's own, for root too
`;

/** Returns the exit code. */
export async function audit(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      who: { type: "string" },
      call: { type: "string" },
      object: { type: "string" },
      result: { type: "string" },
      since: { type: "string" },
      last: { type: "string", default: "100" },
      json: { type: "boolean", default: false },
      file: { type: "string" },
      session: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return print(auditUsage);
  const records = select(readAudit(values.file ?? defaultFile(values.session)), values, Date.now());
  return print(records.map(values.json ? (each) => `${JSON.stringify(each)}\n` : lineOf).join(""));
}

export interface AuditQuery {
  readonly who?: string | undefined;
  readonly call?: string | undefined;
  readonly object?: string | undefined;
  readonly result?: string | undefined;
  readonly since?: string | undefined;
  readonly last?: string;
}

/** Those that a query is about, in their order. Throws UsageError. */
export function select(records: readonly DatedRecord[], query: AuditQuery, nowMs: number): DatedRecord[] {
  const { who = "", call = "", object, result, since, last = "0" } = query;
  if (result !== undefined && !["done", "failed", "denied"].includes(result))
    throw new UsageError(`--result ${result}: it is done, failed or denied`);
  if (!/^\d+$/.test(last)) throw new UsageError(`--last ${last}: it is a whole number from 0`);
  const from = since === undefined ? 0 : momentOf(since, nowMs);
  const found = records.filter(
    (each) =>
      each.who.includes(who) &&
      each.call.toLowerCase().includes(call.toLowerCase()) &&
      (object === undefined || each.object?.includes(object) === true) &&
      (result === undefined || each.result === result) &&
      Date.parse(each.time) >= from,
  );
  return last === "0" ? found : found.slice(-Number(last));
}

function momentOf(text: string, nowMs: number): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (unit !== undefined) return nowMs - Number(count) * (units[unit] as number);
  const moment = Date.parse(text);
  if (Number.isNaN(moment))
    throw new UsageError(`--since ${text}: it is a date, a moment as ISO 8601 has it, or 10m, 2h, 3d`);
  return moment;
}

const units: { readonly [unit: string]: number } = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function lineOf({ time, who, call, object, result, error, durationMs }: DatedRecord): string {
  const about = object === undefined ? "" : ` ${object}`;
  return `${time} ${result.padEnd(6)} ${call}${about} by ${who}, ${durationMs} ms${error === undefined ? "" : `: ${error}`}\n`;
}

function defaultFile(isSession: boolean): string {
  const places = placesOf(isSession);
  const { config } = loadConfig({ configFile: places.configFile, mayBeMissing: true });
  return config.audit_file || places.auditFile;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
