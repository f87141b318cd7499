import { domainLists, listFilters } from "../../domain-lists.ts";
import type { DriverProcedures } from "../../driver.ts";
import type { Operations } from "../operations.ts";
import { check } from "./asked.ts";

/** Which domains there are. */
export function listingProcedures({ guests, saves, autostarts }: Operations): DriverProcedures {
  const marks = { isSaved: saves.hasManaged.bind(saves), isAutostarted: autostarts.has.bind(autostarts) };
  return domainLists(guests, marks, (flags) => check(flags, listFilters, "qemuConnectListAllDomains"));
}
