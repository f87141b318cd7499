import {
  ErrorCode,
  errorDomainOf,
  type Handlers,
  type ObjectKind,
  objectEventProcedures,
  objectKey,
  publicFunction,
  VirError,
} from "../protocol/index.ts";
import type { SessionContext } from "./session-procedures.ts";

type ObjectRef = { readonly uuid: string } | { readonly name: string };

function register(kind: ObjectKind, row: keyof Handlers<typeof objectEventProcedures, SessionContext>) {
  const api = publicFunction(row, objectEventProcedures[row]) ?? row;
  return ({ session }: SessionContext, eventId: number, object: ObjectRef | null): { callbackId: number } => {
    const { objectSubscriptions } = session.opened;
    if (!objectSubscriptions.has(kind)) throw VirError.of(ErrorCode.noSupport, errorDomainOf(api), api);
    return { callbackId: objectSubscriptions.add(kind, eventId, object === null ? null : objectKey(object)) };
  };
}

const registerNetwork = register("network", "connectNetworkEventRegisterAny");
const registerPool = register("storagePool", "connectStoragePoolEventRegisterAny");
const registerDevice = register("nodeDevice", "connectNodeDeviceEventRegisterAny");
const registerSecret = register("secret", "connectSecretEventRegisterAny");

/** Subscriptions to what happens to objects other than domains. */
export const objectEventHandlers: Handlers<typeof objectEventProcedures, SessionContext> = {
  connectNetworkEventRegisterAny: ({ eventId, net }, context) => registerNetwork(context, eventId, net),
  connectNetworkEventDeregisterAny: ({ callbackId }, { session }) =>
    session.opened.objectSubscriptions.remove("network", callbackId),
  connectStoragePoolEventRegisterAny: ({ eventId, pool }, context) => registerPool(context, eventId, pool),
  connectStoragePoolEventDeregisterAny: ({ callbackId }, { session }) =>
    session.opened.objectSubscriptions.remove("storagePool", callbackId),
  connectNodeDeviceEventRegisterAny: ({ eventId, dev }, context) => registerDevice(context, eventId, dev),
  connectNodeDeviceEventDeregisterAny: ({ callbackId }, { session }) =>
    session.opened.objectSubscriptions.remove("nodeDevice", callbackId),
  connectSecretEventRegisterAny: ({ eventId, secret }, context) => registerSecret(context, eventId, secret),
  connectSecretEventDeregisterAny: ({ callbackId }, { session }) =>
    session.opened.objectSubscriptions.remove("secret", callbackId),
};
