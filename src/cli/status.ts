import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connectUnix, isSocketServed, openLoop } from "../os/index.ts";
import { admin, type TypedParam } from "../protocol/index.ts";
import { Connection, clientOf } from "../rpc/index.ts";
import { loadConfig } from "./configured-daemon.ts";
import { placesOf } from "./places.ts";

export const statusUsage = `virtwright status: whether the daemon runs, and who is connected

  --json       the same for programs
  --session    of a daemon of one's own, for root too

Exit code 0 when it runs, 3 when it does not.
`;

/** What a daemon says about itself. */
export interface Status {
  readonly socket: string;
  readonly clients: readonly {
    readonly id: number;
    readonly since: string;
    readonly who: Readonly<Record<string, string | number | boolean>>;
  }[];
  readonly limits: Readonly<Record<string, number>>;
  readonly logFilters: string;
  readonly logOutputs: string;
}

/** How long a daemon has to answer, in ms. */
const patienceMs = 5_000;

/** Returns the exit code. */
export async function status(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: "boolean", default: false },
      session: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return print(statusUsage, 0);
  const places = placesOf(values.session);
  const { config } = loadConfig({ configFile: places.configFile, mayBeMissing: true });
  const socket = join(config.unix_sock_dir || places.socketDir, "virtwright-admin-sock");
  if (!isSocketServed(socket)) return print(values.json ? "null\n" : `no daemon serves ${socket}\n`, 3);
  const found = await askStatus(socket);
  const pid = existsSync(places.pidFile) ? readFileSync(places.pidFile, "utf8").trim() : undefined;
  return print(values.json ? `${JSON.stringify({ pid, ...found })}\n` : textOf(found, pid), 0);
}

/** Asks the administration at that socket. Rejects with the system's error, or when there is no answer in time. */
export async function askStatus(socket: string): Promise<Status> {
  await using loop = openLoop();
  await using connection = new Connection(loop, connectUnix(loop, socket));
  connection.open({ onClose: () => {} });
  const call = clientOf(connection, admin);
  const options = { timeoutMs: patienceMs };
  const srv = { name: "libvirtd" };
  await call.connectOpen({ flags: 0 }, options);
  const { clients: listed } = await call.serverListClients({ srv, needResults: 1, flags: 0 }, options);
  const clients = [];
  for (const clnt of listed) {
    // One that has left meanwhile is none.
    const info = await call.clientGetInfo({ clnt, flags: 0 }, options).catch(() => undefined);
    if (info === undefined) continue;
    clients.push({
      id: Number(clnt.id),
      since: new Date(Number(clnt.timestamp) * 1_000).toISOString(),
      who: fieldsOf(info.params),
    });
  }
  const { params } = await call.serverGetClientLimits({ srv, flags: 0 }, options);
  const { filters } = await call.connectGetLoggingFilters({ flags: 0 }, options);
  const { outputs } = await call.connectGetLoggingOutputs({ flags: 0 }, options);
  await call.connectClose({}, options);
  const limits = fieldsOf(params) as Record<string, number>;
  return { socket, clients, limits, logFilters: filters ?? "", logOutputs: outputs };
}

function fieldsOf(params: readonly TypedParam[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    params.map(({ field, value }) => [field, typeof value.value === "bigint" ? Number(value.value) : value.value]),
  );
}

function textOf({ socket, clients, limits, logFilters, logOutputs }: Status, pid: string | undefined): string {
  const who = (each: Status["clients"][number]): string =>
    Object.entries(each.who)
      .map(([field, value]) => `${field}=${value}`)
      .join(" ");
  return [
    `running${pid === undefined ? "" : ` as process ${pid}`}, administered at ${socket}`,
    `clients: ${limits["nclients"]} of ${limits["nclients_max"]}, ${limits["nclients_unauth"]} have not logged in`,
    ...clients.map((each) => `  ${each.id} since ${each.since}: ${who(each)}`),
    `log: ${logOutputs}${logFilters === "" ? "" : `, filters ${logFilters.trim()}`}`,
    "",
  ].join("\n");
}

function print(text: string, code: number): number {
  process.stdout.write(text);
  return code;
}
