import {
  allowsReadOnly,
  authenticationProcedures,
  type Call,
  driverProcedures,
  ErrorCode,
  ErrorDomain,
  errorDomainOf,
  eventProcedures,
  type Header,
  knownProcedure,
  lxc,
  monitorEventProcedures,
  objectEventProcedures,
  ownDaemonProcedures,
  ownHypervisorProcedures,
  ownMonitorProcedures,
  type Procedure,
  publicFunction,
  qemu,
  type ReadOnlyRule,
  remote,
  Status,
  sessionProcedures,
  type Table,
  VirError,
  virtwright,
} from "../protocol/index.ts";
import { rpcError } from "./refusal.ts";

/** Where a call goes: to a handler, or, without a row, to libvirt's answer for what is not there. */
export interface Route {
  readonly owner:
    | "session"
    | "authentication"
    | "events"
    | "objectEvents"
    | "monitorEvents"
    | "daemon"
    | "hypervisor"
    | "nobody";
  /** The state from which on it may be called. */
  readonly from: "new" | "authenticated" | "open";
  /** The row's name, and the handler's. */
  readonly name: string;
  readonly row: Call | undefined;
  /** libvirt's function, for refusals; undefined for the steps of authentication. */
  readonly api: string | undefined;
  /** What a read-only connection may do. */
  readonly rule: ReadOnlyRule;
}

/** The route of a call. Throws the VirError that libvirt answers when the message itself is wrong. */
export function routeOf({ program, version, procedure, status }: Header): Route {
  const routes = version === 1 ? programs.get(program) : undefined;
  if (routes === undefined) throw rpcError(`Cannot find program ${program} version ${version}`);
  if (status !== Status.ok) throw rpcError(`Unexpected message status ${status}`);
  const route = routes.get(procedure) ?? (program === remote.number ? routeWithoutRow(procedure) : undefined);
  if (route === undefined) throw rpcError(`unknown procedure: ${procedure}`);
  return route;
}

/** Throws unless a read-only connection may make this call. */
export function checkReadOnly({ api, rule }: Route, args: unknown): void {
  if (api === undefined || allowsReadOnly(rule, args)) return;
  const detail = (typeof rule === "object" ? rule.detail : undefined) ?? `read only access prevents ${api}`;
  throw VirError.of(ErrorCode.operationDenied, errorDomainOf(api), detail);
}

/** What a call gets that nobody here handles. */
export function unsupported({ api }: Route): VirError {
  if (api === undefined) return VirError.of(ErrorCode.authFailed, ErrorDomain.rpc, "authentication failed");
  return VirError.of(ErrorCode.noSupport, errorDomainOf(api), api);
}

/** What may be called before a hypervisor is open. */
const early: ReadonlyMap<string, Route["from"]> = new Map<
  keyof typeof sessionProcedures | keyof typeof authenticationProcedures | keyof typeof ownDaemonProcedures,
  Route["from"]
>([
  ["hello", "authenticated"],
  ["authList", "new"],
  ["authSaslInit", "new"],
  ["authSaslStart", "new"],
  ["authSaslStep", "new"],
  ["authPolkit", "new"],
  ["connectOpen", "authenticated"],
  ["connectClose", "authenticated"],
  ["connectSupportsFeature", "authenticated"],
]);

/** All of version 1. */
const programs: ReadonlyMap<number, ReadonlyMap<number, Route>> = new Map([
  [
    remote.number,
    new Map([
      ...routesOf("session", sessionProcedures),
      ...routesOf("authentication", authenticationProcedures),
      ...routesOf("events", eventProcedures),
      ...routesOf("objectEvents", objectEventProcedures),
      ...routesOf("hypervisor", driverProcedures),
    ]),
  ],
  [
    qemu.number,
    new Map([...routesOf("monitorEvents", monitorEventProcedures), ...routesOf("hypervisor", ownMonitorProcedures)]),
  ],
  [lxc.number, new Map(routesOf("hypervisor", lxc.procedures))],
  [
    virtwright.number,
    new Map([...routesOf("daemon", ownDaemonProcedures), ...routesOf("hypervisor", ownHypervisorProcedures)]),
  ],
]);

function routesOf(owner: Route["owner"], table: Table): [number, Route][] {
  const calls = Object.entries(table).filter((entry): entry is [string, Call] => isCall(entry[1]));
  return calls.map(([name, row]) => {
    const api = publicFunction(name, row);
    return [row.number, { owner, from: early.get(name) ?? "open", name, row, api, rule: row.readOnly }];
  });
}

function routeWithoutRow(procedure: number): Route | undefined {
  const known = knownProcedure(procedure);
  if (known === undefined) return undefined;
  const { api, readOnly } = known;
  const from = api === undefined ? "new" : "open";
  return {
    owner: "nobody",
    from,
    name: api ?? "authentication",
    row: undefined,
    api,
    rule: readOnly ? "allowed" : "denied",
  };
}

function isCall(procedure: Procedure): procedure is Call {
  return procedure.kind === "call";
}
