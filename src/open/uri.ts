import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";

export type TransportName = "unix" | "tcp" | "tls" | "ssh" | "ext";

/** A connection URI taken apart: `driver[+transport]://[user@][host][:port]/[path][?params]`. */
export interface ConnectionUri {
  readonly driver: string;
  readonly transport: TransportName;
  readonly user: string | undefined;
  /** "" for this machine. */
  readonly host: string;
  readonly port: number | undefined;
  readonly path: string;
  /** What the server is asked to open: the URI without what only concerns the way there; null: what it likes. */
  readonly name: string | null;
  readonly params: TransportParams;
}

/** libvirt's parameters about the way there. */
export interface TransportParams {
  /** The daemon's socket: here, or at the other end of ssh. */
  readonly socket: string | undefined;
  /** Which daemons are asked: `legacy` libvirtd, `direct` the one of the driver; `auto` whichever is there. */
  readonly mode: "auto" | "legacy" | "direct";
  /** The program to be run: for ssh instead of `ssh`, for ext in any case. */
  readonly command: string | undefined;
  readonly netcat: string | undefined;
  /** Of ssh: how its other end reaches the daemon. */
  readonly proxy: "auto" | "netcat" | "native";
  readonly keyfile: string | undefined;
  readonly knownHosts: string | undefined;
  /** Who the server is does not matter. */
  readonly noVerify: boolean;
  /** Nobody is asked for a password. */
  readonly noTty: boolean;
  readonly pkipath: string | undefined;
  /** libvirt's file of credentials. */
  readonly authFile: string | undefined;
}

const transports: readonly string[] = ["unix", "tcp", "tls", "ssh", "ext"];
/** What other libraries speak ssh with: here it is the system's own. */
const synonyms: Readonly<Record<string, string>> = { libssh: "ssh", libssh2: "ssh" };

/** Of the way there, and not told to the server. */
const own: ReadonlySet<string> = new Set([
  "name",
  "command",
  "socket",
  "mode",
  "auth",
  "authfile",
  "sshauth",
  "netcat",
  "keyfile",
  "pkipath",
  "known_hosts",
  "known_hosts_verify",
  "tls_priority",
  "proxy",
  "no_sanity",
  "no_verify",
  "no_tty",
]);

const shape =
  /^(?<driver>[a-z][a-z0-9]*)(?:\+(?<transport>[a-z0-9]+))?:(?:\/\/(?:(?<user>[^@/?]*)@)?(?<host>\[[^\]]*\]|[^:/?]*)(?::(?<port>\d+))?)?(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/;

/** Throws VirError, which says what is wrong. */
export function parseUri(text: string): ConnectionUri {
  const parts = shape.exec(text)?.groups;
  if (parts === undefined) throw invalid(`${text} is no connection URI: write it as in qemu:///system`);
  const { driver = "", user, host: written = "", path = "/", query = "" } = parts;
  const host = written.replace(/^\[(.*)\]$/, "$1");
  const said = parts["transport"] ?? (host === "" ? "unix" : "tls");
  const transport = synonyms[said] ?? said;
  if (!isTransport(transport))
    throw invalid(`${text}: there is no transport "${said}"; there are ${transports.join(", ")}`);
  if (transport === "unix" && host !== "")
    throw invalid(`${text}: a Unix socket is on this machine: leave the host out, or choose ssh or tls`);
  const params = new URLSearchParams(query);
  return {
    driver,
    transport,
    user: user === undefined ? undefined : decodeURIComponent(user),
    host,
    port: parts["port"] === undefined ? undefined : Number(parts["port"]),
    path,
    name: nameOf(driver, path, params),
    params: paramsOf(text, params),
  };
}

function nameOf(driver: string, path: string, params: URLSearchParams): string | null {
  const name = params.get("name");
  if (name !== null) return name === "" ? null : name;
  if (driver === "remote") return null;
  const left = [...params].filter(([key]) => !own.has(key));
  const query = left.length === 0 ? "" : `?${new URLSearchParams(left).toString()}`;
  return `${driver}://${path}${query}`;
}

function paramsOf(text: string, params: URLSearchParams): TransportParams {
  const word = <W extends string>(key: string, words: readonly W[]): W => {
    const value = params.get(key) ?? words[0];
    const found = words.find((each) => each === value);
    if (found === undefined) throw invalid(`${text}: ${key}=${value}: choose one of ${words.join(", ")}`);
    return found;
  };
  const flag = (key: string): boolean => (params.get(key) ?? "0") !== "0";
  const textOf = (key: string): string | undefined => params.get(key) ?? undefined;
  return {
    socket: textOf("socket"),
    mode: word("mode", ["auto", "legacy", "direct"]),
    command: textOf("command"),
    netcat: textOf("netcat"),
    proxy: word("proxy", ["auto", "netcat", "native"]),
    keyfile: textOf("keyfile"),
    knownHosts: textOf("known_hosts"),
    noVerify: flag("no_verify") || params.get("known_hosts_verify") === "ignore",
    noTty: flag("no_tty"),
    pkipath: textOf("pkipath"),
    authFile: textOf("authfile"),
  };
}

function isTransport(name: string): name is TransportName {
  return transports.includes(name);
}

function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.uri, detail);
}
