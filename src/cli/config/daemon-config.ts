import { faultOfRule } from "../../daemon/index.ts";
import { type DriverName, driverNames } from "../service.ts";
import { ConfigError } from "./config-error.ts";
import {
  authentication,
  type ConfigKey,
  ItemError,
  integer,
  listOf,
  logFilters,
  logLevel,
  logOutputs,
  nearbyPlace,
  oneOf,
  path,
  permissions,
  port,
  strings,
  text,
  without,
} from "./config-key.ts";
import { type ConfigEntry, parseConfig } from "./config-text.ts";

const noThreads = "one thread serves all clients";
const noAdmin = "the administration has limits of its own";
const unixLogin =
  'use "none", and say by unix_sock_group and unix_sock_*_perms who may connect, "polkit", or "sasl", and make users by virtwright user add';
const noPolkit =
  'polkit knows this machine\'s processes alone: use "none", or "sasl", and make users by virtwright user add';
const noTcpLogin =
  'nothing would hide what clients send: use "none" on a port that only friends reach, or TLS with auth_tls';

/** Every key of the file; those that libvirtd.conf has too are named as there. docs/daemon.md says what they mean. */
export const configKeys = {
  unix_sock_dir: path("restart"),
  unix_sock_group: text("", "restart"),
  unix_sock_ro_perms: permissions("0777", "restart"),
  unix_sock_rw_perms: permissions("0700", "restart"),
  unix_sock_admin_perms: permissions("0700", "restart"),
  auth_unix_ro: authentication(["none", "polkit", "sasl"], unixLogin),
  auth_unix_rw: authentication(["none", "polkit", "sasl"], unixLogin),
  listen_tls: oneOf([0, 1], "restart"),
  listen_tcp: oneOf([0, 1], "restart"),
  listen_addr: text("127.0.0.1", "restart"),
  tls_port: port(16_514, "restart"),
  tcp_port: port(16_509, "restart"),
  auth_tls: authentication(["none", "sasl"], noPolkit),
  auth_tcp: authentication(["none"], noTcpLogin),
  ca_file: path("restart"),
  cert_file: path("restart"),
  key_file: path("restart"),
  crl_file: path("restart"),
  tls_no_verify_certificate: oneOf([0, 1], "restart"),
  tls_allowed_dn_list: strings(
    "restart",
    "a list of distinguished names in quotes, in which * and ? stand for any characters",
  ),
  tls_handshake_timeout: integer(10, 1, "restart"),
  listen_websocket: nearbyPlace("16580", "restart"),
  websocket_origins: strings("restart", 'a list of pages in quotes: "https://vm.example.org"', faultOfOrigin),
  auth_websocket: authentication(["none", "sasl"], noPolkit),
  users_file: path("restart"),
  sasl_allowed_username_list: strings(
    "restart",
    "a list of names in quotes, in which * and ? stand for any characters",
  ),
  access_rules: strings("at once", "a list of rules in quotes", faultOfRule),
  access_drivers: strings("restart", 'a list that is empty, or ["polkit"]', (each) =>
    each === "polkit" ? undefined : 'it is "polkit"; rules of our own are in access_rules',
  ),
  audit_file: path("restart"),
  metrics_listen: nearbyPlace("9177", "restart", { orPath: true }),
  max_anonymous_clients: integer(20, 1, "at once"),
  max_clients: integer(5000, 1, "at once"),
  max_queued_clients: integer(1000, 1, "restart"),
  max_client_requests: integer(5, 1, "new clients"),
  keepalive_interval: integer(5, -1, "new clients"),
  keepalive_count: integer(5, 0, "new clients"),
  log_level: logLevel(),
  log_filters: logFilters,
  log_outputs: logOutputs,
  drivers: listOf<DriverName>(driverNames, "restart"),
  qemu_user: text("", "restart"),
  qemu_group: text("", "restart"),
  dynamic_ownership: oneOf([1, 0], "restart"),
  max_message_bytes: integer(33_554_436, 65_536, "new clients"),
  max_outgoing_bytes: integer(2_097_152, 65_536, "new clients"),
  unread_timeout: integer(30, 1, "new clients"),
  max_client_streams: integer(64, 1, "new clients"),
  shutdown_timeout: integer(5, 0, "at once"),
  min_workers: without(noThreads),
  max_workers: without(noThreads),
  prio_workers: without(noThreads),
  admin_min_workers: without(noAdmin),
  admin_max_workers: without(noAdmin),
  admin_max_clients: without(noAdmin),
  admin_max_queued_clients: without(noAdmin),
  admin_max_client_requests: without(noAdmin),
  admin_keepalive_interval: without(noAdmin),
  admin_keepalive_count: without(noAdmin),
} as const satisfies Record<string, ConfigKey<unknown>>;

/** As browsers write it. */
function faultOfOrigin(text: string): string | undefined {
  const isOrigin = URL.canParse(text) && new URL(text).origin === text;
  return isOrigin ? undefined : "it is scheme, host and port alone: https://vm.example.org:8443";
}

type Keys = typeof configKeys;

/** The value of every key. */
export type DaemonConfig = { readonly [K in keyof Keys]: Keys[K] extends ConfigKey<infer T> ? T : never };

export interface ReadConfig {
  readonly config: DaemonConfig;
  /** What the file says to no effect, a line each. */
  readonly warnings: string[];
}

/** What `text` says, and the defaults for the rest. Throws ConfigError, with the line and what is allowed. */
export function readConfig(text: string, file: string): ReadConfig {
  const values = Object.fromEntries(
    Object.entries(configKeys).map(([name, { initial }]) => [name, initial as unknown]),
  );
  const warnings: string[] = [];
  for (const entry of parseConfig(text, file)) {
    const key = keyOf(entry, file);
    values[entry.key] = valueOf(key, entry, file);
    if (key.reason !== undefined)
      warnings.push(`${file}:${entry.line}: ${entry.key} means nothing here: ${key.reason}`);
  }
  return { config: values as DaemonConfig, warnings };
}

/** The keys whose values differ and count after a restart alone. */
export function changedForRestart(before: DaemonConfig, after: DaemonConfig): string[] {
  const names = Object.keys(configKeys) as (keyof Keys)[];
  const differs = (name: keyof Keys): boolean => JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  return names.filter((name) => configKeys[name].effect === "restart" && differs(name));
}

function keyOf({ key, line }: ConfigEntry, file: string): ConfigKey<unknown> {
  if (Object.hasOwn(configKeys, key)) return configKeys[key as keyof Keys];
  const names = Object.keys(configKeys);
  const near = names.find((name) => isNear(name, key));
  const advice = near === undefined ? "" : `did you mean ${near}? `;
  throw new ConfigError(file, line, `unknown key ${key}: ${advice}The keys are ${names.join(", ")}`);
}

function valueOf(key: ConfigKey<unknown>, entry: ConfigEntry, file: string): unknown {
  let { line } = entry;
  let detail = `it is ${key.allowed}`;
  try {
    const value = key.read(entry.value);
    if (value !== undefined || key.reason !== undefined) return value;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    detail = error.message;
    if (error instanceof ItemError) line = entry.itemLines[error.index] ?? line;
  }
  const given = JSON.stringify(entry.value);
  throw new ConfigError(file, line, `${entry.key} = ${given}: ${detail}`);
}

/** One letter more, fewer or another; or the same words in another order. */
function isNear(name: string, key: string): boolean {
  const sorted = (text: string): string => text.split("_").sort().join();
  if (sorted(name) === sorted(key)) return true;
  let start = 0;
  while (start < name.length && name[start] === key[start]) start++;
  const rests = [
    [1, 1],
    [1, 0],
    [0, 1],
  ] as const;
  return rests.some(([skip, other]) => name.slice(start + skip) === key.slice(start + other));
}
