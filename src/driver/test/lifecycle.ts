import { closeSync } from "node:fs";
import type { Definition } from "../../model/index.ts";
import {
  DomainReason,
  DomainState,
  ErrorDomain,
  Lifecycle,
  VirError,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags, has, internal, invalid } from "./failure.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** virDomainUndefineFlagsValues. */
const undefine = { managedSave: 1, snapshots: 2, all: 1 | 2 };
/** To check the XML first. */
const validate = 16;
/** virDomainRebootFlagValues. */
const rebootModes = 1 | 2 | 4 | 8 | 16;
/** virDomainFDAssociateFlags. */
const associate = 1 | 2;

/** A domain's life. */
export function lifecycleProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  const define = (definition: Definition) => ({ dom: hypervisor.define(definition).reference });
  const create = (definition: Definition) => {
    const guest = hypervisor.create(definition, DomainReason.running.booted, Lifecycle.started.detail.booted);
    return { dom: guest.reference };
  };
  const createFrom = (xml: string, flags: number, signal: AbortSignal) => {
    checkFlags(flags, validate, "testDomainCreateXML");
    return hypervisor.read(xml, signal, create);
  };
  const boot = (dom: WireDomain, flags: number): { dom: WireDomain } => {
    checkFlags(flags, 0, "testDomainCreateWithFlags");
    const guest = find(dom);
    hypervisor.boot(guest);
    return { dom: guest.reference };
  };
  return {
    domainDefineXml: ({ xml }, { signal }) => hypervisor.read(xml, signal, define),
    domainDefineXmlFlags: ({ xml, flags }, { signal }) => {
      checkFlags(flags, 1, "testDomainDefineXMLFlags");
      return hypervisor.read(xml, signal, define);
    },
    domainUndefine: ({ dom }) => undefineGuest(hypervisor, find(dom), 0),
    domainUndefineFlags: ({ dom, flags }) => {
      checkFlags(flags, undefine.all, "testDomainUndefineFlags");
      undefineGuest(hypervisor, find(dom), flags);
    },
    // Descriptors are for a guest's process, and there is none: those that are passed are closed.
    domainCreateXml: ({ xmlDesc, flags }, { signal }) => createFrom(xmlDesc, flags, signal),
    domainCreateXmlWithFiles: ({ xmlDesc, flags }, { signal }) => createFrom(xmlDesc, flags, signal),
    domainCreate: ({ dom }) => hypervisor.boot(find(dom)),
    domainCreateWithFlags: ({ dom, flags }) => boot(dom, flags),
    domainCreateWithFiles: ({ dom, flags }) => boot(dom, flags),
    domainFdAssociate: ({ dom, flags }, context) => {
      const fds = context.takeFds();
      for (const fd of fds) closeSync(fd);
      if (fds.length === 0) {
        const caller = "virDomainFDAssociate";
        throw VirError.wrongArgument(`nfds in ${caller} must not be zero`, ErrorDomain.domain, caller, "nfds");
      }
      checkFlags(flags, associate, "testDomainFDAssociate");
      find(dom);
    },
    domainRename: ({ dom, newName, flags }) => {
      checkFlags(flags, 0, "testDomainRename");
      hypervisor.rename(find(dom), newName ?? "");
      return { retcode: 0 };
    },
    ...runningProcedures(hypervisor, find),
  };
}

/** What is done to a domain that runs. */
function runningProcedures(hypervisor: Hypervisor, find: (dom: WireDomain) => Guest): DriverProcedures {
  const shutdown = (guest: Guest): void => {
    if (guest.status.state === DomainState.shutoff) throw internal(`domain '${guest.name}' not running`);
    hypervisor.stop(guest, DomainReason.shutoff.shutdown, Lifecycle.stopped.detail.shutdown);
  };
  const destroy = (guest: Guest): void => {
    guest.checkActive();
    hypervisor.stop(guest, DomainReason.shutoff.destroyed, Lifecycle.stopped.detail.destroyed);
  };
  return {
    domainSuspend: ({ dom }) => {
      const guest = find(dom);
      const { state } = guest.status;
      if (state === DomainState.shutoff || state === DomainState.paused)
        throw internal(`domain '${guest.name}' not running`);
      guest.status = { state: DomainState.paused, reason: DomainReason.paused.user };
      hypervisor.report(guest, Lifecycle.suspended.event, Lifecycle.suspended.detail.paused);
    },
    domainResume: ({ dom }) => {
      const guest = find(dom);
      if (guest.status.state !== DomainState.paused) throw internal(`domain '${guest.name}' not paused`);
      guest.status = { state: DomainState.running, reason: DomainReason.running.unpaused };
      hypervisor.report(guest, Lifecycle.resumed.event, Lifecycle.resumed.detail.unpaused);
    },
    domainShutdown: ({ dom }) => shutdown(find(dom)),
    domainShutdownFlags: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainShutdownFlags");
      shutdown(find(dom));
    },
    domainDestroy: ({ dom }) => destroy(find(dom)),
    domainDestroyFlags: ({ dom, flags }) => {
      checkFlags(flags, 1, "testDomainDestroyFlags");
      destroy(find(dom));
    },
    // Which way is asked for makes no difference.
    domainReboot: ({ dom, flags }) => {
      checkFlags(flags, rebootModes, "testDomainReboot");
      reboot(hypervisor, find(dom));
    },
    domainReset: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainReset");
      find(dom).checkActive();
    },
  };
}

/** What follows is the definition's to say: it runs on, or that was its end. */
function reboot(hypervisor: Hypervisor, guest: Guest): void {
  guest.checkActive();
  const action = guest.definition.textOf("on_reboot");
  if (action === "restart" || action === "rename-restart") {
    guest.status = { state: DomainState.running, reason: DomainReason.running.booted };
  } else {
    hypervisor.stop(guest, DomainReason.shutoff.shutdown, Lifecycle.stopped.detail.shutdown);
  }
}

function undefineGuest(hypervisor: Hypervisor, guest: Guest, flags: number): void {
  if (guest.hasManagedSave && !has(flags, undefine.managedSave))
    throw invalid("Refusing to undefine while domain managed save image exists");
  const { snapshots } = guest;
  if (!guest.isActive && snapshots.size > 0 && !has(flags, undefine.snapshots))
    throw invalid(`cannot delete inactive domain with ${snapshots.size} snapshots`);
  hypervisor.undefine(guest);
}
