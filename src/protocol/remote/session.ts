import { array, int, optional, uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { lookup } from "./access.ts";
import { string } from "./base.ts";

/** What concerns the connection between client and daemon: the daemon answers it, no driver is asked. */
export const session = {
  /**
   * `name` is the hypervisor's URI. Bit 0 of `flags` asks for a read-only connection; the others are the client's own.
   */
  connectOpen: proc(1, { args: { name: optional(string), flags: uint }, ...lookup("connect") }),
  /** Ends the session; the server closes the connection once the reply has left. */
  connectClose: proc(2, { priority: true, readOnly: "allowed" }),
  /** Whether a feature (VIR_DRV_FEATURE_*) is there. Asking for keepalive also starts the server's pings. */
  connectSupportsFeature: proc(60, { args: { feature: int }, ret: { supported: int }, ...lookup("connect") }),
  /** Which ways to authenticate are open; exactly one. */
  authList: proc(66, {
    ret: { types: array({ ...int, name: "auth_type" }, 20) },
    priority: true,
    readOnly: "allowed",
    api: null,
  }),
  /** The URI of the hypervisor connection, as other clients may use it. */
  connectGetUri: proc(110, { ret: { uri: string }, ...lookup("connect") }),
  /** Whether nobody on the way can listen: a Unix socket counts as that. */
  connectIsSecure: proc(149, { ret: { secure: int }, priority: true, readOnly: "allowed" }),
  /** Of the server: major * 1,000,000 + minor * 1,000 + release. */
  connectGetLibVersion: proc(157, { ret: { libVer: uhyper }, ...lookup("connect") }),
  /** Asks to be told when the driver loses its hypervisor: `connectEventConnectionClosed`. */
  connectRegisterCloseCallback: proc(360, lookup("connect")),
  /** Takes the wish of `connectRegisterCloseCallback` back. */
  connectUnregisterCloseCallback: proc(361, lookup("connect")),
} as const;
