import { int, optional, struct } from "../../xdr/index.ts";
import { event, proc } from "../procedure.ts";
import { Domain } from "./base.ts";

const DomainEventLifecycleMsg = struct("domain_event_lifecycle_msg", { dom: Domain, event: int, detail: int });

const subscribing = {
  acl: "connect:search_domains |filter domain:getattr",
  priority: true,
  readOnly: "allowed",
} as const;
const unsubscribing = { acl: "connect:read", priority: true, readOnly: "allowed" } as const;

/** Events, in three generations of the protocol; a client uses one. */
export const events = {
  /** First generation: lifecycle alone. The result is always 0. */
  connectDomainEventRegister: proc(105, { ret: { cbRegistered: int }, ...subscribing }),
  connectDomainEventDeregister: proc(106, { ret: { cbRegistered: int }, ...unsubscribing }),
  domainEventLifecycle: event(107, { dom: Domain, event: int, detail: int }),

  /** Second generation: by event id, 0 to 15, for all domains. */
  connectDomainEventRegisterAny: proc(167, { args: { eventId: int }, ...subscribing }),
  connectDomainEventDeregisterAny: proc(168, { args: { eventId: int }, ...unsubscribing }),

  /** Third generation: each subscription has an id of its own, and may be for one domain. */
  connectDomainEventCallbackRegisterAny: proc(316, {
    args: { eventId: int, dom: optional(Domain) },
    ret: { callbackId: int },
    ...subscribing,
  }),
  connectDomainEventCallbackDeregisterAny: proc(317, { args: { callbackId: int }, ...unsubscribing }),
  domainEventCallbackLifecycle: event(318, { callbackId: int, msg: DomainEventLifecycleMsg }),

  /** The driver has lost its hypervisor; to clients with a close callback. */
  connectEventConnectionClosed: event(362, { reason: int }),
} as const;
