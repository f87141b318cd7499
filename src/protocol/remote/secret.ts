import { array, int, opaque, optional, uint } from "../../xdr/index.ts";
import { event, proc } from "../procedure.ts";
import { lookup, readKnown, search } from "./access.ts";
import { listLimit, names, Secret, string, uuid } from "./base.ts";

/** Passwords and keys for disks, pools and TLS. */
export const secret = {
  /** How many secrets there are. */
  connectNumOfSecrets: proc(139, { ret: { num: int }, ...search("secrets", "secret") }),
  /** Their uuids as text, at most `maxuuids`. */
  connectListSecrets: proc(140, { args: { maxuuids: int }, ret: { uuids: names }, ...search("secrets", "secret") }),
  /** Looks up a secret by its uuid. */
  secretLookupByUuid: proc(141, { args: { uuid }, ret: { secret: Secret }, ...lookup("secret") }),
  /** Makes a secret, without its value. */
  secretDefineXml: proc(142, {
    args: { xml: string, flags: uint },
    ret: { secret: Secret },
    acl: "secret:write secret:save",
    priority: true,
  }),
  /** A secret's description, without its value. */
  secretGetXmlDesc: proc(143, { args: { secret: Secret, flags: uint }, ret: { xml: string }, ...readKnown("secret") }),
  /** Sets the value. */
  secretSetValue: proc(144, {
    args: { secret: Secret, value: opaque(65_536), flags: uint },
    acl: "secret:write",
    priority: true,
  }),
  /** The value, unless the secret is private. */
  secretGetValue: proc(145, {
    args: { secret: Secret, flags: uint },
    ret: { value: opaque(65_536) },
    acl: "secret:read_secure",
    priority: true,
  }),
  /** Forgets a secret and its value. */
  secretUndefine: proc(146, { args: { secret: Secret }, acl: "secret:delete", priority: true }),
  /** Looks up a secret by what it is for (VIR_SECRET_USAGE_TYPE_*). */
  secretLookupByUsage: proc(147, {
    args: { usageType: int, usageId: string },
    ret: { secret: Secret },
    ...lookup("secret"),
  }),
  /** `ret` counts them; `secrets` is empty unless `needResults` is 1. */
  connectListAllSecrets: proc(287, {
    args: { needResults: int, flags: uint },
    ret: { secrets: array(Secret, listLimit), ret: uint },
    ...search("secrets", "secret"),
  }),
} as const;

/** What becomes of secrets, for those who ask. */
export const secretEvents = {
  /** Subscribes to an event (VIR_SECRET_EVENT_ID_*) of one secret, or of all. */
  connectSecretEventRegisterAny: proc(380, {
    args: { eventId: int, secret: optional(Secret) },
    ret: { callbackId: int },
    ...search("secrets", "secret"),
  }),
  /** Ends a subscription. */
  connectSecretEventDeregisterAny: proc(381, { args: { callbackId: int }, ...readKnown("connect") }),
  /** It was defined or undefined. */
  secretEventLifecycle: event(382, { callbackId: int, secret: Secret, event: int, detail: int }),
  /** Its value was set. */
  secretEventValueChanged: event(383, { callbackId: int, secret: Secret }),
} as const;
