import type { Element } from "../../../xml/index.ts";
import type { Properties } from "./part.ts";
import { failure, flag, number, unsupported } from "./reading.ts";
import type { StorageSource } from "./storage-source.ts";

/** `<source protocol='...'>` as a protocol node of QEMU's. `secretOf` throws VirError for a secret that is not there. */
export function networkStorage(source: Element, secretOf: (source: Element) => Uint8Array): StorageSource {
  const protocol = source.attribute("protocol") ?? "";
  const build = protocols[protocol];
  if (build === undefined) throw unsupported(`disk source protocol '${protocol}' is not supported`);
  return build(source, secretOf);
}

type Build = (source: Element, secretOf: (source: Element) => Uint8Array) => StorageSource;

const protocols: Readonly<Record<string, Build>> = {
  nbd,
  http: web,
  https: web,
  ftp: web,
  ftps: web,
  iscsi,
  rbd,
  ssh,
  gluster,
};

function nbd(source: Element): StorageSource {
  if (flag(source, "tls") === true) throw unsupported("NBD with TLS is not supported");
  const server = socketAddress(onlyHost(source), "10809");
  const reconnect = number(source.first("reconnect"), "delay");
  return { properties: { driver: "nbd", server, export: source.attribute("name"), "reconnect-delay": reconnect } };
}

/** http, https, ftp, ftps. */
function web(source: Element, secretOf: (source: Element) => Uint8Array): StorageSource {
  const protocol = source.attribute("protocol") ?? "";
  const host = onlyHost(source);
  const port = host.attribute("port") ?? defaultPorts[protocol];
  const name = source.attribute("name") ?? "";
  const query = source.attribute("query");
  const url = `${protocol}://${bracketed(nameOf(host))}:${port}/${name.replace(/^\//, "")}${query === undefined ? "" : `?${query}`}`;
  const cookies = source.first("cookies")?.all("cookie") ?? [];
  const text = cookies.map((cookie) => `${cookie.attribute("name") ?? ""}=${cookie.text}`).join("; ");
  const user = source.find("auth")?.attribute("username");
  return {
    properties: {
      driver: protocol,
      url,
      username: user,
      sslverify: protocol.endsWith("s") ? flag(source.first("ssl"), "verify") : undefined,
      timeout: number(source.first("timeout"), "seconds"),
      readahead: number(source.first("readahead"), "size"),
    },
    secrets: {
      ...(text === "" ? {} : { "cookie-secret": Buffer.from(text) }),
      ...(user === undefined ? {} : { "password-secret": secretOf(source) }),
    },
  };
}

const defaultPorts: Readonly<Record<string, string>> = { http: "80", https: "443", ftp: "21", ftps: "990" };

function iscsi(source: Element, secretOf: (source: Element) => Uint8Array): StorageSource {
  const host = onlyHost(source);
  const [target = "", lun = "0"] = (source.attribute("name") ?? "").split(/\/(?=\d+$)/);
  const user = source.first("auth")?.attribute("username");
  return {
    properties: {
      driver: "iscsi",
      portal: `${bracketed(nameOf(host))}:${host.attribute("port") ?? "3260"}`,
      target,
      lun: Number(lun),
      transport: "tcp",
      user,
      "initiator-name": source.find("initiator", "iqn")?.attribute("name"),
    },
    secrets: user === undefined ? {} : { "password-secret": secretOf(source) },
  };
}

function rbd(source: Element, secretOf: (source: Element) => Uint8Array): StorageSource {
  const [pool, image, ...more] = (source.attribute("name") ?? "").split("/");
  if (pool === undefined || image === undefined || more.length > 1) {
    throw failure(`'${source.attribute("name") ?? ""}' is not POOL/IMAGE or POOL/NAMESPACE/IMAGE`);
  }
  const servers = source.all("host").map((host) => ({ host: nameOf(host), port: host.attribute("port") ?? "6789" }));
  const user = source.first("auth")?.attribute("username");
  return {
    properties: {
      driver: "rbd",
      pool,
      namespace: more.length === 0 ? undefined : image,
      image: more[0] ?? image,
      snapshot: source.first("snapshot")?.attribute("name"),
      conf: source.first("config")?.attribute("file"),
      server: servers.length === 0 ? undefined : servers,
      user,
      "auth-client-required": user === undefined ? undefined : ["cephx", "none"],
    },
    secrets: user === undefined ? {} : { "key-secret": secretOf(source) },
  };
}

function ssh(source: Element): StorageSource {
  const host = onlyHost(source);
  const user = source.first("auth")?.attribute("username") ?? source.first("identity")?.attribute("username");
  const server = { host: nameOf(host), port: host.attribute("port") ?? "22" };
  return { properties: { driver: "ssh", path: source.attribute("name"), server, user } };
}

function gluster(source: Element): StorageSource {
  const [volume = "", ...path] = (source.attribute("name") ?? "").replace(/^\//, "").split("/");
  if (volume === "" || path.length === 0) throw failure("a gluster source is named VOLUME/PATH");
  const server = source.all("host").map((host) => socketAddress(host, "24007"));
  return { properties: { driver: "gluster", volume, path: path.join("/"), server } };
}

/** The one host of a protocol that can have no other. */
function onlyHost(source: Element): Element {
  const [host, other] = source.all("host");
  if (host === undefined || other !== undefined) {
    throw unsupported(`protocol '${source.attribute("protocol") ?? ""}' accepts only one host`);
  }
  return host;
}

function socketAddress(host: Element, defaultPort: string): Properties {
  const transport = host.attribute("transport") ?? "tcp";
  if (transport === "unix") return { type: "unix", path: host.attribute("socket") };
  if (transport !== "tcp") throw unsupported(`transport '${transport}' is not supported`);
  return { type: "inet", host: nameOf(host), port: host.attribute("port") ?? defaultPort };
}

function nameOf(host: Element): string {
  const name = host.attribute("name");
  if (name === undefined) throw failure("missing name for host");
  return name;
}

/** An IPv6 address in front of a port. */
function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
