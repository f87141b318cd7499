import type { Connection, Domain } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { findDomain } from "./lookup.ts";
import type { Doing, Given } from "./verb.ts";

/** A verb that does one thing to a domain, and says so. */
export function act(
  help: string,
  verb: string,
  done: (name: string, given: Given) => string,
  todo: (domain: Domain, given: Given, where: Around) => Promise<unknown>,
  more: Partial<Doing> = {},
): Doing {
  return {
    help,
    parameters: ["domain"],
    failure: (given) => `Failed to ${verb} domain '${given.need("domain")}'`,
    ...more,
    run: async (connection, given, where) => {
      const domain = await findDomain(connection, given.need("domain"));
      await todo(domain, given, where);
      return done(domain.name, given);
    },
  };
}

/** A verb that answers with one thing about a domain. */
export function tell(
  help: string,
  answer: (domain: Domain, given: Given, connection: Connection) => string | Promise<string>,
  more: Partial<Doing> = {},
): Doing {
  return {
    help,
    parameters: ["domain"],
    ...more,
    run: async (connection, given) => {
      const domain = await findDomain(connection, given.need("domain"));
      return `${await answer(domain, given, connection)}\n`;
    },
  };
}

/** A verb that does something to a domain, and says nothing. */
export function silent(
  help: string,
  parameters: readonly string[],
  todo: (domain: Domain, given: Given, connection: Connection) => Promise<unknown>,
  more: Partial<Doing> = {},
): Doing {
  return {
    help,
    ...more,
    parameters: ["domain", ...parameters],
    run: async (connection, given) => {
      await todo(await findDomain(connection, given.need("domain")), given, connection);
      return "";
    },
  };
}

/** Whether a change is for now, for the next start, or both. */
export const affects = ["config", "live", "current"] as const;

/** Throws PlainFailure for what excludes each other. */
export function affected(given: Given): ("live" | "config")[] {
  given.exclude("current", "live");
  given.exclude("current", "config");
  return given.all(["live", "config"]);
}

/** As `affected`; --persistent is for both where the domain runs. */
export async function affectedDevices(domain: Domain, given: Given): Promise<("live" | "config")[]> {
  given.exclude("persistent", "current");
  const flags = affected(given);
  if (!given.has("persistent")) return flags;
  const isLive = given.has("live") || (await domain.isActive());
  return isLive ? ["config", "live"] : ["config"];
}
