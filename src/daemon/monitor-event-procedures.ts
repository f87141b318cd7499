import {
  ErrorCode,
  ErrorDomain,
  errorDomainOf,
  type Handlers,
  monitorEventProcedures,
  publicFunction,
  VirError,
} from "../protocol/index.ts";
import type { SessionContext } from "./session-procedures.ts";

const knownFlags = 3;

/** Subscriptions to what QEMU's monitors say. */
export const monitorEventHandlers: Handlers<typeof monitorEventProcedures, SessionContext> = {
  connectDomainMonitorEventRegister: ({ dom, event, flags }, { session }) => {
    const { monitorSubscriptions } = session.opened;
    checkPossible(monitorSubscriptions.isPossible, "connectDomainMonitorEventRegister");
    const unknown = (flags & ~knownFlags) >>> 0;
    if (unknown !== 0) {
      const detail = `unsupported flags (0x${unknown.toString(16)}) in function virDomainQemuMonitorEventStateRegisterID`;
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.none, detail);
    }
    return { callbackId: monitorSubscriptions.add(event, flags, dom?.uuid ?? null) };
  },
  connectDomainMonitorEventDeregister: ({ callbackId }, { session }) => {
    const { monitorSubscriptions } = session.opened;
    checkPossible(monitorSubscriptions.isPossible, "connectDomainMonitorEventDeregister");
    monitorSubscriptions.remove(callbackId);
  },
};

function checkPossible(isPossible: boolean, name: keyof typeof monitorEventProcedures): void {
  const api = publicFunction(name, monitorEventProcedures[name]) ?? name;
  if (!isPossible) throw VirError.of(ErrorCode.noSupport, errorDomainOf(api), api);
}
