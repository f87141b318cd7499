import { array, boolean, hyper, int, opaque, optional, struct, type TypeOf, uhyper, uint } from "../xdr/index.ts";
import { event, type Program, proc } from "./procedure.ts";
import { search } from "./remote/access.ts";
import { Domain, listLimit, string, stringLimit, uuid } from "./remote/base.ts";
import { typedParams } from "./remote/typed-param.ts";

export const Cursor = struct("cursor", { journal: uuid, run: uuid, sequence: uhyper });
/**
 * A place in a hypervisor's journal: behind the event with this sequence; 0 is the beginning. `run` is the opening of the
 * journal that wrote it: after a crash the numbers of lost events are given again.
 */
export interface Cursor extends TypeOf<typeof Cursor> {}

export const Gap = struct("gap", { from: uhyper, to: uhyper });
/** Events that were, and are not there: the first and the last sequence of them. Others may be between. */
export interface Gap extends TypeOf<typeof Gap> {}

export const Fault = struct("fault", {
  kind: string,
  on: string,
  dom: optional(uuid),
  skip: uint,
  times: uint,
  delayMs: uint,
  code: int,
  message: optional(string),
});
/**
 * What the simulator is to do wrong. `kind`, with what `on` names: "delay", "stall", "fail" with the row of a call;
 * "lose", "reorder" with the kind of an event; "die" with either. It spares the first `skip` occasions, then takes
 * `times` (0: all that follow), of one domain or of all. `delayMs` is for "delay"; `code` (virErrorNumber; 0: operation
 * failed) and `message` are for "fail".
 */
export interface Fault extends TypeOf<typeof Fault> {}

export const PlacedFault = struct("placed_fault", { id: uint, fault: Fault, hits: uint });
/** A fault that is in place, and how often it has struck. */
export interface PlacedFault extends TypeOf<typeof PlacedFault> {}

export const DomainReport = struct("domain_report", {
  dom: Domain,
  state: int,
  reason: int,
  persistent: boolean,
  autostart: boolean,
  ageMs: uhyper,
  stats: typedParams(4_096),
  xml: optional(string),
});
/** What is known of a domain, as it was `ageMs` ago. */
export interface DomainReport extends TypeOf<typeof DomainReport> {}

/** What the daemon does about its calls and events, whatever the hypervisor is. */
const daemonRows = {
  /** Who serves, and which of the promises below it keeps: "deadline", "cancel" and so on. */
  hello: proc(1, { ret: { version: string, promises: array(string, 64) }, readOnly: "allowed", api: "hello" }),
  /**
   * About the call with this serial, which comes next: it fails `timeoutMs` after its arrival (0: never), and with a key
   * it happens once, however often it is sent: whoever repeats it within the daemon's memory gets the first success.
   */
  callPrepare: proc(2, {
    args: { serial: uint, timeoutMs: uint, key: optional(string) },
    readOnly: "allowed",
    api: "callPrepare",
  }),
  /** Fails the call with this serial if it is under way; what it has begun may still happen. */
  callCancel: proc(3, { args: { serial: uint }, ret: { found: boolean }, readOnly: "allowed", api: "callCancel" }),
  /**
   * Subscribes to domain events behind a cursor (null: from now on): of these virDomainEventIDs (none: all), of one
   * domain or all. What is kept since the cursor comes first, after the reply; `eventsGap` says what is not.
   * The last `position` that a reader has heard, here or with an event or a gap, is its next cursor.
   */
  eventsOpen: proc(4, {
    args: { cursor: optional(Cursor), eventIds: array(int, 64), dom: optional(Domain) },
    ret: { callbackId: int, position: Cursor },
    ...search("domains", "domain"),
    api: "eventsOpen",
  }),
  /** Ends such a subscription. */
  eventsClose: proc(5, { args: { callbackId: int }, readOnly: "allowed", api: "eventsClose" }),
  /** An event with its place in the journal: `message` is that of REMOTE's event `procedure`. `timeMs`: since 1970. */
  eventsNext: event(6, {
    callbackId: int,
    position: Cursor,
    timeMs: hyper,
    procedure: uint,
    message: opaque(2 * stringLimit),
  }),
  /** Events behind the cursor are not kept any more, or were lost: the reader is to look at the state anew. */
  eventsGap: event(11, { callbackId: int, gap: Gap, position: Cursor }),
} as const;

/** What a hypervisor does itself. */
const hypervisorRows = {
  /**
   * Everything about all domains, with where the journal stands: events behind `position` are news. In pages of up to
   * `limit` domains (0: as the server likes), from `start` on (0: the first); `next` is the next page's start, and 0
   * behind the last. `stats` are virDomainStatsTypes, 0 for none.
   */
  snapshot: proc(7, {
    args: { start: uhyper, limit: uint, stats: uint, withXml: boolean },
    ret: { position: Cursor, domains: array(DomainReport, listLimit), next: uhyper },
    ...search("domains", "domain"),
    api: "snapshot",
  }),
  /** Puts a fault into the simulator. */
  faultAdd: proc(8, { args: { fault: Fault }, ret: { id: uint }, acl: "connect:write", api: "faultAdd" }),
  /** Takes one out; calls that it stalls go on. */
  faultRemove: proc(9, { args: { id: uint }, acl: "connect:write", api: "faultRemove" }),
  faultList: proc(10, {
    ret: { faults: array(PlacedFault, 1_024) },
    acl: "connect:read",
    readOnly: "allowed",
    api: "faultList",
  }),
} as const;

export const ownDaemonProcedures: typeof daemonRows = daemonRows;
export const ownHypervisorProcedures: typeof hypervisorRows = hypervisorRows;

/**
 * Our own program, for what libvirt's wire has no row for. It needs an open connection of the REMOTE program beside; who
 * asks another's server for it hears "Cannot find program".
 */
export const virtwright: Program<typeof daemonRows & typeof hypervisorRows> = {
  name: "VIRTWRIGHT",
  number: 0x7669_7274,
  version: 1,
  procedures: { ...daemonRows, ...hypervisorRows },
};
