import { array, int, optional, uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { string } from "./base.ts";

/** What concerns the connection between client and daemon: the daemon answers it, no driver is asked. */
export const session = {
  /** Which ways to authenticate are open; exactly one. */
  authList: proc(66, { ret: { types: array({ ...int, name: "auth_type" }, 20) }, priority: true, readOnly: "allowed" }),
  /** `name` is the hypervisor's URI. Bit 0 of `flags` asks for a read-only connection; the others are the client's own. */
  connectOpen: proc(1, {
    args: { name: optional(string), flags: uint },
    acl: "connect:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  connectClose: proc(2, { priority: true, readOnly: "allowed" }),
  connectSupportsFeature: proc(60, {
    args: { feature: int },
    ret: { supported: int },
    acl: "connect:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  connectGetUri: proc(110, { ret: { uri: string }, acl: "connect:getattr", priority: true, readOnly: "allowed" }),
  /** Whether nobody on the way can listen: a Unix socket counts as that. */
  connectIsSecure: proc(149, { ret: { secure: int }, priority: true, readOnly: "allowed" }),
  /** Of the server: major * 1,000,000 + minor * 1,000 + release. */
  connectGetLibVersion: proc(157, {
    ret: { libVer: uhyper },
    acl: "connect:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  connectRegisterCloseCallback: proc(360, { acl: "connect:getattr", priority: true, readOnly: "allowed" }),
  connectUnregisterCloseCallback: proc(361, { acl: "connect:getattr", priority: true, readOnly: "allowed" }),
} as const;
