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

/** Without "//" there is no host, and what begins so is no path then: a host that is none is not to be taken for one. */
const shape =
  /^(?<driver>[a-z][a-z0-9]*)(?:\+(?<transport>[a-z0-9]+))?:(?:\/\/(?:(?<user>[^@/?]*)@)?(?<host>\[[^[\]]*\]|[^:/?@[\]]*)(?::(?<port>\d+))?|(?!\/\/))(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/;

/** Throws VirError, which says what is wrong. */
export function parseUri(text: string): ConnectionUri {
  const parts = shape.exec(text)?.groups;
  if (parts === undefined) throw invalid(`${text} is no connection URI: write it as in qemu:///system`);
  const { driver = "", user, host: written = "", path = "/", query = "" } = parts;
  const host = decoded(written.replace(/^\[(.*)\]$/, "$1"), text);
  const said = parts["transport"] ?? (host === "" ? "unix" : "tls");
  const transport = synonyms[said] ?? said;
  if (!isTransport(transport))
    throw invalid(`${text}: there is no transport "${said}"; there are ${transports.join(", ")}`);
  if (transport === "unix" && host !== "")
    throw invalid(`${text}: a Unix socket is on this machine: leave the host out, or choose ssh or tls`);
  const params = readQuery(query, text);
  return {
    driver,
    transport,
    user: user === undefined ? undefined : decoded(user, text),
    host,
    port: parts["port"] === undefined ? undefined : Number(parts["port"]),
    path,
    name: nameOf(driver, path, params),
    params: paramsOf(text, new Map(params)),
  };
}

type Param = readonly [key: string, value: string];

/** Of several with the same name the last counts. A "+" is one. Throws VirError. */
function readQuery(query: string, text: string): Param[] {
  const written = query.split("&").map((each) => /^([^=]*)=?(.*)$/s.exec(each) ?? []);
  return written.flatMap(([, key = "", value = ""]): Param[] =>
    key === "" ? [] : [[decoded(key, text), decoded(value, text)]],
  );
}

function decoded(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    throw invalid(`${text} is no connection URI: "${part}" has a "%" that does not stand for a character`, error);
  }
}

function nameOf(driver: string, path: string, params: readonly Param[]): string | null {
  const name = new Map(params).get("name");
  if (name !== undefined) return name === "" ? null : name;
  if (driver === "remote") return null;
  const left = params.filter(([key]) => !own.has(key)).map((param) => param.map(encodeURIComponent).join("="));
  return `${driver}://${path}${left.length === 0 ? "" : `?${left.join("&")}`}`;
}

function paramsOf(text: string, params: ReadonlyMap<string, string>): TransportParams {
  const word = <W extends string>(key: string, words: readonly W[]): W => {
    const value = params.get(key) ?? words[0];
    const found = words.find((each) => each === value);
    if (found === undefined) throw invalid(`${text}: ${key}=${value}: choose one of ${words.join(", ")}`);
    return found;
  };
  const flag = (key: string): boolean => (params.get(key) ?? "0") !== "0";
  return {
    socket: params.get("socket"),
    mode: word("mode", ["auto", "legacy", "direct"]),
    command: params.get("command"),
    netcat: params.get("netcat"),
    proxy: word("proxy", ["auto", "netcat", "native"]),
    keyfile: params.get("keyfile"),
    knownHosts: params.get("known_hosts"),
    noVerify: flag("no_verify") || params.get("known_hosts_verify") === "ignore",
    noTty: flag("no_tty"),
    pkipath: params.get("pkipath"),
    authFile: params.get("authfile"),
  };
}

function isTransport(name: string): name is TransportName {
  return transports.includes(name);
}

function invalid(detail: string, cause?: unknown): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.uri, detail, cause);
}
