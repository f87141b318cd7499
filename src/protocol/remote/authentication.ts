import { int, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { charBytes, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

const saslData = charBytes(65_536);

/** How a client proves who it is, where the socket alone does not say it. */
export const authentication = {
  /** Begins SASL: the mechanisms offered, separated by commas or spaces. */
  authSaslInit: proc(67, { ret: { mechlist: string }, priority: true, readOnly: "allowed", api: null }),
  /**
   * Chooses a mechanism and sends its first data. `nil` 1 says that there is no data, which is not the same as empty
   * data.
   */
  authSaslStart: proc(68, {
    args: { mech: string, nil: int, data: saslData },
    ret: { complete: int, nil: int, data: saslData },
    priority: true,
    readOnly: "allowed",
    api: null,
  }),
  /** One more round of SASL, until both sides are complete. */
  authSaslStep: proc(69, {
    args: { nil: int, data: saslData },
    ret: { complete: int, nil: int, data: saslData },
    priority: true,
    readOnly: "allowed",
    api: null,
  }),
  /** Asks polkit about the process at the other end of the socket. */
  authPolkit: proc(70, { ret: { complete: int }, priority: true, readOnly: "allowed", api: null }),
  /** Says for whom a trusted client acts: another daemon of the same host, forwarding. */
  connectSetIdentity: proc(419, {
    args: { params: typedParams(20), flags: uint },
    acl: "connect:write",
    readOnly: "allowed",
  }),
} as const;
