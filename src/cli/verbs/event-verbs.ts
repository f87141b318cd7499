import type { Connection, DomainEvent, EventOptions, Gap } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { eventLine } from "./event-line.ts";
import { showEvents, stampOf } from "./event-loop.ts";
import { eventNames, type VirshEventName } from "./event-names.ts";
import { jsonText } from "./json.ts";
import { findDomain } from "./lookup.ts";
import { type Given, PlainFailure, type Verbs } from "./verb.ts";

type Name = DomainEvent["name"];

/** As virsh has it: the next event, or those until a time is over or somebody ends it. */
async function event(connection: Connection, given: Given, where: Around): Promise<string> {
  if (given.has("list"))
    return Object.keys(eventNames)
      .map((name) => `${name}\n`)
      .join("");
  given.exclude("all", "event");
  const names = wanted(given);
  const about = await aboutWhom(connection, given);
  return showEvents(
    connection,
    given,
    where,
    (signal) => about.events(names, { signal }),
    (each) => `${stampOf(given)}${eventLine(each)}\n`,
  );
}

/** Throws PlainFailure. */
function wanted(given: Given): readonly Name[] {
  const name = given.text("event");
  if (given.has("all")) return Object.values(eventNames);
  if (name === undefined) throw new PlainFailure("one of --list, --all, or --event <type> is required");
  if (!Object.hasOwn(eventNames, name)) throw new PlainFailure(`unknown event type ${name}`);
  return [eventNames[name as VirshEventName]];
}

async function aboutWhom(connection: Connection, given: Given): Promise<Pick<Connection, "events">> {
  const name = given.text("domain");
  return name === undefined ? connection : (findDomain(connection, name) as Promise<Pick<Connection, "events">>);
}

/** Writes each event as it comes; nothing is lost when the connection is, or it says so. Until it is told to end. */
async function follow(connection: Connection, given: Given, where: Around): Promise<string> {
  using interruption = where.interruption();
  const since = given.text("since");
  const options: EventOptions & { readonly reconnect: true } = {
    reconnect: true,
    signal: interruption.signal,
    ...(since !== undefined && { since: cursorOf(since) }),
  };
  await using events = (await aboutWhom(connection, given)).events(undefined, options);
  await events.ready;
  const count = given.has("follow") ? Infinity : 1;
  let told = 0;
  try {
    for await (const each of events) {
      where.out(given.has("json") ? jsonText(each, 0) : `${line(each)}${place(each, given)}\n`);
      if (++told >= count) break;
    }
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
  }
  return "";
}

type Cursor = NonNullable<EventOptions["since"]>;

/** "JOURNAL/RUN/NUMBER", as --positions shows it. Throws PlainFailure. */
function cursorOf(text: string): Cursor {
  const [journal = "", run = "", sequence = "", more] = text.split("/");
  const isCursor = /^[0-9a-f-]{32,36}$/i.test(journal) && /^[0-9a-f-]{32,36}$/i.test(run) && /^\d+$/.test(sequence);
  if (!isCursor || more !== undefined) throw new PlainFailure(`'${text}' is no position, as --positions shows them`);
  return { journal, run, sequence: BigInt(sequence) };
}

function place({ position }: DomainEvent | Gap, given: Given): string {
  if (!given.has("positions") || position === undefined) return "";
  return ` ${position.journal}/${position.run}/${position.sequence}`;
}

function line(event: DomainEvent | Gap): string {
  if (event.name === "gap") {
    const changes = event.changes?.map(
      ({ domain, before, after }) => `${domain.name} ${before ?? "-"} -> ${after ?? "-"}`,
    );
    return `gap: ${changes?.join(", ") || "events are missing here"}`;
  }
  const { name, domain, position: _, timeMs, ...fields } = event;
  const when = timeMs === undefined ? "" : `${new Date(timeMs).toISOString()} `;
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === "object" ? jsonText(value, 0).trimEnd() : String(value)}`,
  );
  return `${when}${domain.name} ${name}${rest.join("")}`;
}

export const eventVerbs: Verbs = {
  event: {
    help: "shows the next event of a domain, or those that follow",
    parameters: ["domain?", "event?", "timeout?#"],
    flags: ["all", "loop", "list", "timestamp"],
    run: event,
  },
  events: {
    help: "shows what happens to domains: the next event, or all until Ctrl-C; none is lost with the connection",
    parameters: ["domain?"],
    texts: ["since"],
    flags: ["follow", "positions", "json"],
    run: follow,
  },
};
