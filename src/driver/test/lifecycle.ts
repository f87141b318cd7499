import type { Definition } from "../../model/index.ts";
import { DomainReason, DomainState, Lifecycle, type Domain as WireDomain } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags, has, internal, invalid } from "./failure.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** virDomainUndefineFlagsValues. */
const undefine = { managedSave: 1, snapshots: 2, checkpoints: 16, all: 1 | 2 | 8 | 16 };
/** To start from the beginning although there is a managed save; and to check the XML. */
const forceBoot = 8;
const validate = 16;

/** A domain's life. */
export function lifecycleProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = ({ uuid }: WireDomain): Guest => hypervisor.byUuid(uuid);
  const define = (definition: Definition) => ({ dom: hypervisor.define(definition).reference });
  const create = (definition: Definition) => {
    const guest = hypervisor.create(definition, DomainReason.running.booted, Lifecycle.started.detail.booted);
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
    domainCreateXml: ({ xmlDesc, flags }, { signal }) => {
      checkFlags(flags, validate, "testDomainCreateXML");
      return hypervisor.read(xmlDesc, signal, create);
    },
    domainCreate: ({ dom }) => hypervisor.boot(find(dom)),
    domainCreateWithFlags: ({ dom, flags }) => {
      checkFlags(flags, forceBoot, "testDomainCreateWithFlags");
      const guest = find(dom);
      hypervisor.boot(guest);
      return { dom: guest.reference };
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
    domainReboot: ({ dom }) => reboot(hypervisor, find(dom)),
    domainReset: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainReset");
      find(dom).checkActive();
    },
  };
}

/** What follows is the definition's to say. */
function reboot(hypervisor: Hypervisor, guest: Guest): void {
  guest.checkActive();
  const action = guest.definition.textOf("on_reboot");
  if (action === "destroy") {
    hypervisor.stop(guest, DomainReason.shutoff.shutdown, Lifecycle.stopped.detail.shutdown);
  } else {
    const { unknown, booted } = DomainReason.running;
    guest.status = { state: DomainState.running, reason: action === "preserve" ? unknown : booted };
  }
}

function undefineGuest(hypervisor: Hypervisor, guest: Guest, flags: number): void {
  if (guest.hasManagedSave && !has(flags, undefine.managedSave))
    throw invalid("Refusing to undefine while domain managed save image exists");
  const { snapshots, checkpoints } = guest;
  if (!guest.isActive && snapshots.size > 0 && !has(flags, undefine.snapshots))
    throw invalid(`cannot delete inactive domain with ${snapshots.size} snapshots`);
  if (!guest.isActive && checkpoints.size > 0 && !has(flags, undefine.checkpoints))
    throw invalid(`cannot delete inactive domain with ${checkpoints.size} checkpoints`);
  hypervisor.undefine(guest);
}
