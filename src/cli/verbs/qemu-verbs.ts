import type { Connection, MonitorEvent } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { tell } from "./domain-act.ts";
import { showEvents, stampOf } from "./event-loop.ts";
import { jsonText } from "./json.ts";
import { findDomain } from "./lookup.ts";
import { type Given, PlainFailure, type Verbs } from "./verb.ts";

/** What the words of a command line are together: a command as QEMU reads it. */
function commandOf(given: Given): string {
  return given.list("cmd").join(" ");
}

async function monitorCommand(connection: Connection, given: Given): Promise<string> {
  for (const other of ["pretty", "return-value"]) given.exclude("hmp", other);
  const domain = await findDomain(connection, given.need("domain"));
  const command = commandOf(given);
  if (given.has("hmp")) return `${await domain.humanMonitorCommand(command)}\n`;
  const reply = await domain.monitorText(command);
  if (given.has("return-value")) return `${jsonOf(returned(reply), given)}\n`;
  return given.has("pretty") ? `${jsonOf(parsed(reply), given)}\n` : `${reply}\n`;
}

function parsed(reply: string): object {
  try {
    return JSON.parse(reply) as object;
  } catch (error) {
    throw new PlainFailure("failed to parse JSON returned by qemu", { cause: error });
  }
}

function returned(reply: string): unknown {
  const value = parsed(reply);
  if (!("return" in value)) throw new PlainFailure("'return' member missing");
  return value.return;
}

function jsonOf(value: unknown, given: Given): string {
  return given.has("pretty") ? `${JSON.stringify(value, null, 2)}\n` : JSON.stringify(value);
}

/** How long an agent may take: a time, the server's own patience, none at all, or all the time in the world. */
function patience(given: Given): number {
  const wanted = ["timeout", "async", "block"].filter((name) => given.has(name) || given.text(name) !== undefined);
  if (wanted.length > 1) throw new PlainFailure("timeout, async and block options are exclusive");
  const seconds = given.integer("timeout");
  if (seconds !== undefined && seconds < 1) throw new PlainFailure("timeout must be positive");
  const [forEver, servers, none] = [-2, -1, 0];
  return seconds ?? (given.has("async") ? none : given.has("block") ? forEver : servers);
}

/** "event STOP at 1700000000.000001 for domain 'web': {...}" */
function eventText({ domain, event, timeMs, details }: MonitorEvent, given: Given): string {
  const what =
    details === undefined ? "<null>" : given.has("pretty") ? jsonText(details).trimEnd() : JSON.stringify(details);
  const micros = Math.round(timeMs * 1_000);
  const when = `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, "0")}`;
  if (given.has("timestamp")) return `${stampOf(given)}event ${event} for domain '${domain.name}': ${what}\n`;
  return `event ${event} at ${when} for domain '${domain.name}': ${what}\n`;
}

async function monitorEvents(connection: Connection, given: Given, where: Around): Promise<string> {
  const name = given.text("domain");
  const about = name === undefined ? connection : await findDomain(connection, name);
  const event = given.text("event");
  const isExpression = event !== undefined && (given.has("regex") || given.has("no-case"));
  const source = given.has("regex") ? event : `^${event?.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`;
  const which = isExpression ? new RegExp(source ?? "", given.has("no-case") ? "i" : "") : event;
  return showEvents(
    connection,
    given,
    where,
    (signal) => about.monitorEvents(which, { signal }),
    (each) => eventText(each, given),
  );
}

/** What only QEMU's guests have. */
export const qemuVerbs: Verbs = {
  "qemu-monitor-command": {
    help: "sends a command to a guest's QEMU, and shows what it says",
    parameters: ["domain", "cmd..."],
    flags: ["hmp", "pretty", "return-value"],
    run: monitorCommand,
  },
  "qemu-agent-command": tell(
    "sends a command to the agent inside a guest, and shows what it says",
    async (domain, given) => {
      const reply = await domain.agentText(commandOf(given), { waitS: patience(given) });
      return given.has("pretty") ? `${JSON.stringify(parsed(reply), null, 2)}\n` : reply;
    },
    { parameters: ["domain", "cmd..."], texts: ["timeout#"], flags: ["async", "block", "pretty"] },
  ),
  "qemu-monitor-event": {
    help: "shows what the monitors of QEMU's guests tell next, or from now on",
    parameters: ["domain?", "event?", "timeout?#"],
    flags: ["pretty", "loop", "regex", "no-case", "timestamp"],
    run: monitorEvents,
  },
  "qemu-attach": {
    help: "takes over a QEMU that somebody else has started",
    parameters: ["pid"],
    failure: (given) => `Failed to attach to pid ${given.need("pid")}`,
    run: async (connection, given) => {
      const pid = given.number("pid") ?? 0;
      const domain = await connection.attachQemu(pid);
      return `Domain '${domain.name}' attached to pid ${pid}\n`;
    },
  },
};
