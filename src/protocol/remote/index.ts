import type { Program } from "../procedure.ts";
import { connect } from "./connect.ts";
import { domain } from "./domain.ts";
import { events } from "./event.ts";
import { session } from "./session.ts";

/** What a driver answers. */
export const driverProcedures = { ...connect, ...domain } as const;
/** What the daemon answers itself: about the connection, and about subscriptions. */
export const sessionProcedures = session;
export const eventProcedures = events;

/** libvirt's main program. */
export const remote = {
  name: "REMOTE",
  number: 0x2000_8086,
  version: 1,
  procedures: { ...sessionProcedures, ...driverProcedures, ...eventProcedures },
} as const satisfies Program;

export { Domain, domainListLimit } from "./base.ts";
