import { randomBytes } from "node:crypto";
import { fstatSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  AccessRules,
  type DaemonLimits,
  type LogInSettings,
  matchesAny,
  type Pkcheck,
  type PortOptions,
  type SocketOptions,
  type WebSocketOptions,
} from "../daemon/index.ts";
import { groupId } from "../os/index.ts";
import type { DaemonConfig } from "./config/daemon-config.ts";
import type { LogOutput, LogSettings } from "./log/log-settings.ts";
import { parsePlace } from "./metrics/metrics-server.ts";
import { localPkcheck } from "./pkcheck.ts";
import type { DaemonPlaces } from "./places.ts";
import { UsageError } from "./usage-error.ts";
import { UsersFile } from "./users/users-file.ts";

/** What the daemon can change while it runs. */
export function limitsOf(config: DaemonConfig): DaemonLimits {
  const { keepalive_interval: interval, keepalive_count: count } = config;
  return {
    limits: {
      clients: config.max_clients,
      anonymousClients: config.max_anonymous_clients,
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
  const common = { ...groupOf(config.unix_sock_group), backlog: config.max_queued_clients } as const;
  const { auth_unix_rw: auth, auth_unix_ro: authReadOnly } = config;
  const pair = (path: string): SocketOptions[] => [
    { ...common, auth, path, mode: config.unix_sock_rw_perms },
    { ...common, auth: authReadOnly, path: `${path}-ro`, mode: config.unix_sock_ro_perms, readOnly: true },
  ];
  const own = pair(ownPath(config, places, "virtwright-sock"));
  return libvirtNames ? [...pair(join(places.libvirtSocketDir, "libvirt-sock")), ...own] : own;
}

/** Of the sockets of the administration. */
export function adminSocketsOf(config: DaemonConfig, places: DaemonPlaces, libvirtNames: boolean): string[] {
  const own = ownPath(config, places, "virtwright-admin-sock");
  return libvirtNames ? [join(places.libvirtSocketDir, "libvirt-admin-sock"), own] : [own];
}

function ownPath(config: DaemonConfig, places: DaemonPlaces, name: string): string {
  return join(config.unix_sock_dir || places.socketDir, name);
}

/** Those that are asked for. Throws UsageError when a file that TLS needs cannot be read. */
export function portsOf(config: DaemonConfig, places: DaemonPlaces): PortOptions[] {
  const { listen_addr: host, max_queued_clients: backlog, max_anonymous_clients: handshakes } = config;
  const { tls_allowed_dn_list: allowed } = config;
  const ports: PortOptions[] = [];
  if (config.listen_tcp === 1) ports.push({ host, port: config.tcp_port, backlog, auth: config.auth_tcp });
  if (config.listen_tls === 0) return ports;
  const refuse = (name: string): string | undefined =>
    allowed.length === 0 || matchesAny(allowed, name) ? undefined : `${name} is not on tls_allowed_dn_list`;
  const tls = {
    identity: tlsIdentityOf(config, places),
    verify: config.tls_no_verify_certificate === 0,
    refuse,
    handshakeMs: config.tls_handshake_timeout * 1000,
    handshakes,
  };
  return [...ports, { host, port: config.tls_port, backlog, auth: config.auth_tls, tls }];
}

/** Where browsers come in; undefined: nowhere. The token is drawn anew each time. */
export function browsersOf(config: DaemonConfig): WebSocketOptions | undefined {
  const place = parsePlace(config.listen_websocket);
  if (place === undefined || "path" in place) return undefined;
  const { websocket_origins: origins, auth_websocket: auth } = config;
  return { ...place, origins, auth, token: randomBytes(32).toString("hex") };
}

/** What the files of TLS say. Throws UsageError when one cannot be read. */
export function tlsIdentityOf(
  config: DaemonConfig,
  { pkiDir }: DaemonPlaces,
): NonNullable<PortOptions["tls"]>["identity"] {
  const read = (key: "ca_file" | "cert_file" | "key_file" | "crl_file", fallback: string): string => {
    const path = config[key] || join(pkiDir, fallback);
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      const advice = config[key] === "" ? ', or make it by "virtwright pki init"' : "";
      throw new UsageError(`listen_tls: ${path}: ${(error as Error).message}: name another by ${key}${advice}`);
    }
  };
  return {
    ca: read("ca_file", "cacert.pem"),
    certificate: read("cert_file", "servercert.pem"),
    key: read("key_file", "private/serverkey.pem"),
    ...(config.crl_file !== "" && { revoked: read("crl_file", "") }),
  };
}

/** Doors that let in whoever reaches them from elsewhere: a line each. */
export function openDoorsOf(config: DaemonConfig): string[] {
  const { listen_addr: host, listen_tcp, listen_tls, tls_no_verify_certificate: unverified, auth_tls } = config;
  const isNear = host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
  if (isNear) return [];
  const warn = (key: string): string => `${key}: whoever reaches ${host} can do everything to all guests`;
  return [
    ...(listen_tcp === 1 ? [warn("listen_tcp")] : []),
    ...(listen_tls === 1 && unverified === 1 && auth_tls === "none" ? [warn("tls_no_verify_certificate")] : []),
  ];
}

/** Who may log in where a door asks for it. */
export function logInOf(config: DaemonConfig, places: DaemonPlaces): LogInSettings {
  const { sasl_allowed_username_list: allowed } = config;
  return {
    users: new UsersFile(config.users_file || places.usersFile),
    refuse: (user) =>
      allowed.length === 0 || matchesAny(allowed, user) ? undefined : `'${user}' is not on sasl_allowed_username_list`,
  };
}

/** How polkit is asked; undefined where it is not to be. Throws UsageError when it is missing. */
export function pkcheckOf({ auth_unix_ro, auth_unix_rw, access_drivers }: DaemonConfig): Pkcheck | undefined {
  return [auth_unix_ro, auth_unix_rw, ...access_drivers].includes("polkit") ? localPkcheck() : undefined;
}

/** Undefined without rules: then the doors alone decide. Throws UsageError. */
export function accessOf(config: DaemonConfig): AccessRules | "polkit" | undefined {
  const byPolkit = config.access_drivers.length > 0;
  if (config.access_rules.length === 0) return byPolkit ? "polkit" : undefined;
  if (byPolkit) throw new UsageError("access_rules and access_drivers cannot both decide: leave out one of the two");
  return new AccessRules(config.access_rules, groupOf(config.unix_sock_group).group);
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
