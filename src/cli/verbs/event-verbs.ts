import { once } from "node:events";
import type { Connection, DomainEvent, Gap } from "../../open/index.ts";
import { findDomain } from "./lookup.ts";
import type { Given, Verbs } from "./verb.ts";

/** Writes each event as it comes; nothing is lost when the connection is, or it says so. Until it is told to end. */
async function follow(connection: Connection, given: Given): Promise<string> {
  const name = given.text("domain");
  const about = name === undefined ? connection : await findDomain(connection, name);
  const left = new AbortController();
  process.once("SIGINT", () => left.abort());
  process.once("SIGTERM", () => left.abort());
  await using events = about.events(undefined, { reconnect: true, signal: left.signal });
  await events.ready;
  const count = given.has("follow") ? Infinity : 1;
  let told = 0;
  try {
    for await (const event of events) {
      const line = given.has("json") ? JSON.stringify(event, plain) : eventLine(event);
      if (!process.stdout.write(`${line}\n`)) await once(process.stdout, "drain");
      if (++told >= count) break;
    }
  } catch (error) {
    if (!left.signal.aborted) throw error;
  }
  return "";
}

function eventLine(event: DomainEvent | Gap): string {
  if (event.name === "gap") {
    const changes = event.changes?.map(
      ({ domain, before, after }) => `${domain.name} ${before ?? "-"} -> ${after ?? "-"}`,
    );
    return `gap: ${changes?.join(", ") || "events are missing here"}`;
  }
  const { name, domain, position: _, timeMs, ...fields } = event;
  const when = timeMs === undefined ? "" : `${new Date(timeMs).toISOString()} `;
  const rest = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === "object" ? JSON.stringify(value, plain) : String(value)}`,
  );
  return `${when}${domain.name} ${name}${rest.join("")}`;
}

/** 64 bit as text, as JSON has no such numbers. */
function plain(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

export const eventVerbs: Verbs = {
  events: {
    help: "shows what happens to domains: the next event, or all until Ctrl-C",
    parameters: ["domain?"],
    flags: ["follow", "json"],
    run: follow,
  },
};
