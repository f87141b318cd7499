import { fstatSync } from "node:fs";
import { join } from "node:path";
import type { DaemonLimits, SocketOptions } from "../daemon/index.ts";
import { groupId } from "../os/index.ts";
import type { DaemonConfig } from "./config/daemon-config.ts";
import type { LogOutput, LogSettings } from "./log/log-settings.ts";
import type { DaemonPlaces } from "./places.ts";
import { UsageError } from "./usage-error.ts";

/** What the daemon can change while it runs. */
export function limitsOf(config: DaemonConfig): DaemonLimits {
  const { keepalive_interval: interval, keepalive_count: count } = config;
  return {
    limits: {
      clients: config.max_clients,
      callsUnderWay: config.max_client_requests,
      messageLength: config.max_message_bytes,
      backlog: config.max_outgoing_bytes,
      patienceMs: config.unread_timeout * 1000,
      streams: config.max_client_streams,
    },
    keepalive: interval <= 0 ? "off" : { intervalMs: interval * 1000, count },
  };
}

/** Our own sockets, and, when asked for, those at which libvirt's clients look. Throws UsageError without the group. */
export function socketsOf(config: DaemonConfig, places: DaemonPlaces, libvirtNames: boolean): SocketOptions[] {
  const common = { ...groupOf(config.unix_sock_group), auth: "none", backlog: config.max_queued_clients } as const;
  const pair = (path: string): SocketOptions[] => [
    { ...common, path, mode: config.unix_sock_rw_perms },
    { ...common, path: `${path}-ro`, mode: config.unix_sock_ro_perms, readOnly: true },
  ];
  const own = pair(join(config.unix_sock_dir || places.socketDir, "virtwright-sock"));
  return libvirtNames ? [...pair(join(places.libvirtSocketDir, "libvirt-sock")), ...own] : own;
}

function groupOf(name: string): { readonly group?: number } {
  try {
    return name === "" ? {} : { group: groupId(name) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`unix_sock_group: ${error.message}`);
  }
}

/** `verbose`: what happens in general is written too, where the file does not ask for more. */
export function logSettingsOf(config: DaemonConfig, verbose: boolean): LogSettings {
  const level = verbose && config.log_level > 2 ? 2 : config.log_level;
  const outputs = config.log_outputs.length === 0 ? [defaultOutput()] : config.log_outputs;
  return { level, filters: config.log_filters, outputs };
}

/** Standard error, in the journal's form where systemd says that it leads there. */
function defaultOutput(): LogOutput {
  const { dev, ino } = fstatSync(2);
  return { level: 1, kind: process.env["JOURNAL_STREAM"] === `${dev}:${ino}` ? "journald" : "stderr" };
}
