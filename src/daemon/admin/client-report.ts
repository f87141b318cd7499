import { groupName, userName } from "../../os/index.ts";
import type { AdminClient, AdminServer, TypedParam } from "../../protocol/index.ts";
import type { Principal } from "../principal.ts";

/** A connection, as its administrator sees it. */
export interface ClientReport {
  /** Counted since the start of the daemon, from 1. */
  readonly id: number;
  /** When it connected: s since 1970. */
  readonly since: number;
  readonly readOnly: boolean;
  /** It has to log in, and has not yet. */
  readonly isAnonymous: boolean;
  readonly principal: Principal;
}

/** VIR_CLIENT_TRANS_*; a WebSocket is a TCP connection. */
const transports: { readonly [door in Principal["door"]]: number } = {
  unix: 0,
  tcp: 1,
  tls: 2,
  websocket: 1,
  memory: 0,
};

export function adminClient(srv: AdminServer, { id, since, principal }: ClientReport): AdminClient {
  return { srv, id: BigInt(id), timestamp: BigInt(since), transport: transports[principal.door] };
}

/** In libvirt's order. */
export function clientParams({ readOnly, principal }: ClientReport): TypedParam[] {
  const { identity, address, user, certificate } = principal;
  const params: TypedParam[] = [{ field: "readonly", value: { type: "boolean", value: readOnly } }];
  const add = (field: string, value: string | undefined): void => {
    if (value !== undefined) params.push({ field, value: { type: "string", value } });
  };
  const addNumber = (field: string, value: number): void => {
    params.push({ field, value: { type: "int", value } });
  };
  if (identity !== undefined) {
    addNumber("unix_user_id", identity.uid);
    add("unix_user_name", userName(identity.uid));
    addNumber("unix_group_id", identity.gid);
    add("unix_group_name", groupName(identity.gid));
    addNumber("unix_process_id", identity.pid);
  }
  add("sock_addr", address);
  add("sasl_user_name", user);
  add("x509_dname", certificate);
  return params;
}
