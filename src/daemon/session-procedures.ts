import {
  domainEventId,
  type eventProcedures,
  Feature,
  type Handlers,
  libvirtVersion,
  type sessionProcedures,
} from "../protocol/index.ts";
import type { Session } from "./session.ts";

/** What the daemon's own procedures need of the peer that calls them. */
export interface SessionContext {
  readonly session: Session;
  /** The peer has promised to answer pings. */
  startKeepalive(): void;
  /** Ends the connection once the reply to this call has left. */
  leave(): void;
  /** The transport can. */
  readonly passesFds: boolean;
  /** The peer wants to be told, or not any more, when its hypervisor is lost. */
  hearOfLoss(wanted: boolean): void;
}

/** Promises about the wire, which hold for every driver. Passing descriptors depends on the transport. */
const wireFeatures: ReadonlySet<number> = new Set([
  Feature.typedParamString,
  Feature.remoteEventCallback,
  Feature.remoteCloseCallback,
  Feature.networkUpdateHasCorrectOrder,
]);

export const sessionHandlers: Handlers<typeof sessionProcedures, SessionContext> = {
  authList: (_, { session }) => ({ types: session.authenticate() }),
  connectOpen: ({ name, flags }, { session }) => session.open(name, flags),
  connectClose: (_, context) => context.leave(),
  connectSupportsFeature: ({ feature }, context) => {
    // The one feature that can be asked for before the connection is open.
    if (feature === Feature.programKeepalive) {
      context.startKeepalive();
      return { supported: 1 };
    }
    const { features } = context.session.opened.hypervisor;
    if (feature === Feature.fdPassing) return { supported: Number(context.passesFds) };
    return { supported: wireFeatures.has(feature) || features.has(feature) ? 1 : 0 };
  },
  connectGetUri: (_, { session }) => ({ uri: session.opened.uri }),
  connectIsSecure: (_, { session }) => ({ secure: Number(session.principal.door !== "tcp") }),
  connectGetLibVersion: () => ({ libVer: libvirtVersion }),
  connectRegisterCloseCallback: (_, context) => {
    context.hearOfLoss(true);
  },
  connectUnregisterCloseCallback: (_, context) => {
    context.hearOfLoss(false);
  },
};

const lifecycle = domainEventId("lifecycle");

export const eventHandlers: Handlers<typeof eventProcedures, SessionContext> = {
  connectDomainEventRegister: (_, { session }) => {
    session.opened.subscriptions.add(lifecycle, null, true);
    return { cbRegistered: 0 };
  },
  connectDomainEventDeregister: (_, { session }) => {
    session.opened.subscriptions.removeByEvent(lifecycle);
    return { cbRegistered: 0 };
  },
  connectDomainEventRegisterAny: ({ eventId }, { session }) => {
    session.opened.subscriptions.add(eventId, null, true);
  },
  connectDomainEventDeregisterAny: ({ eventId }, { session }) => session.opened.subscriptions.removeByEvent(eventId),
  connectDomainEventCallbackRegisterAny: ({ eventId, dom }, { session }) => ({
    callbackId: session.opened.subscriptions.add(eventId, dom, false),
  }),
  connectDomainEventCallbackDeregisterAny: ({ callbackId }, { session }) =>
    session.opened.subscriptions.remove(callbackId),
};
