import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { placesOf } from "../places.ts";
import { UsageError } from "../usage-error.ts";
import { certify, keep } from "./authority.ts";

export const pkiUsage = `virtwright pki: certificates for TLS

  virtwright pki init      makes an authority, and a certificate for the server and one for each client
  virtwright pki client    makes certificates for more clients, of the authority that is there

  --directory DIR    where; by default the pki directory beside the daemon's file, where the daemon looks
  --host NAME        a name or an address under which clients reach the server; may be repeated.
                     Default: this machine's name, localhost, 127.0.0.1 and ::1
  --client NAME      a client; may be repeated. Default: "client"
  --days N           for how long they count; the authority three times as long. Default 365

A client gets its directory, DIR/clients/NAME, and reaches the server with ?pkipath=DIRECTORY. The authority's key,
DIR/private/cakey.pem, signs more certificates: it is not needed where the daemon runs, and may be kept elsewhere.
`;

/** Returns the exit code. */
export async function pki(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      directory: { type: "string" },
      host: { type: "string", multiple: true, default: [] },
      client: { type: "string", multiple: true, default: [] },
      days: { type: "string", default: "365" },
      session: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [action] = positionals;
  if (values.help || action === undefined) return print(pkiUsage);
  const directory = resolve(values.directory ?? placesOf(values.session).pkiDir);
  const days = daysOf(values.days);
  const clients = values.client.length === 0 ? ["client"] : values.client;
  if (action === "init") {
    const hosts = values.host.length === 0 ? [...new Set([hostname(), "localhost"]), "127.0.0.1", "::1"] : values.host;
    makeAuthority(directory, hosts, days);
  } else if (action !== "client") throw new UsageError(`pki ${action} is not there: it is init or client`);
  return print(clients.map((name) => makeClient(directory, name, days)).join(""));
}

function makeAuthority(directory: string, hosts: readonly string[], days: number): void {
  const at = (name: string): string => join(directory, name);
  for (const name of ["cacert.pem", "servercert.pem"]) {
    if (existsSync(at(name)))
      throw new UsageError(`${at(name)} is there already: remove it first, or choose another directory`);
  }
  const authority = certify({ name: "virtwright CA", purpose: "authority", days: 3 * days });
  const [name = ""] = hosts;
  const server = certify({ name, purpose: "server", hosts, days }, authority);
  keep(at("private/cakey.pem"), authority.key, 0o600);
  keep(at("private/serverkey.pem"), server.key, 0o600);
  keep(at("servercert.pem"), server.certificate, 0o644);
  keep(at("cacert.pem"), authority.certificate, 0o644);
}

/** Returns what to tell the user. */
function makeClient(directory: string, name: string, days: number): string {
  const certificate = read(join(directory, "cacert.pem"));
  const authority = { certificate, key: read(join(directory, "private/cakey.pem")) };
  const place = join(directory, "clients", name);
  const client = certify({ name, purpose: "client", days }, authority);
  keep(join(place, "clientkey.pem"), client.key, 0o600);
  keep(join(place, "clientcert.pem"), client.certificate, 0o644);
  keep(join(place, "cacert.pem"), certificate, 0o644);
  return `${place}: for a client with CN=${name}\n`;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}; "virtwright pki init" makes it`);
  }
}

function daysOf(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days > 0 && days < 20_000) return days;
  throw new UsageError(`--days ${text}: it is a whole number from 1 to 19999`);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
