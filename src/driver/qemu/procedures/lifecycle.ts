import type { Domain } from "../../../model/index.ts";
import type { Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import type { Operations } from "../operations.ts";
import { check, has, patienceOf } from "./asked.ts";

const start = { paused: 1, bypassCache: 4, forceBoot: 8 };
const startFlags = start.paused | start.bypassCache | start.forceBoot;
const destroyGracefully = 1;
const shutdown = { powerButton: 1, agent: 2 };

/** A domain's runs: how they begin, go on and end. */
export function lifecycleProcedures(operations: Operations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => operations.guests.domains.byUuid(uuid, name);
  return {
    domainCreateXml: async ({ xmlDesc, flags }, context) => {
      check(flags, startFlags, "qemuDomainCreateXML");
      return { dom: await operations.create(xmlDesc, has(flags, start.paused), patienceOf(context)) };
    },
    domainCreate: async ({ dom }, context) => {
      await operations.start(find(dom), false, patienceOf(context));
    },
    domainCreateWithFlags: async ({ dom, flags }, context) => {
      check(flags, startFlags, "qemuDomainCreateWithFlags");
      return { dom: await operations.start(find(dom), has(flags, start.paused), patienceOf(context)) };
    },
    domainSuspend: ({ dom }, context) => operations.suspend(find(dom), patienceOf(context)),
    domainResume: ({ dom }, context) => operations.resume(find(dom), patienceOf(context)),
    domainReset: ({ dom, flags }, context) => {
      check(flags, 0, "qemuDomainReset");
      return operations.reset(find(dom), patienceOf(context));
    },
    domainShutdown: ({ dom }, context) => operations.shutdown(find(dom), false, patienceOf(context)),
    domainShutdownFlags: ({ dom, flags }, context) => {
      check(flags, shutdown.powerButton | shutdown.agent, "qemuDomainShutdownFlags");
      return operations.shutdown(find(dom), flags === shutdown.agent, patienceOf(context));
    },
    domainDestroy: ({ dom }, context) => operations.destroy(find(dom), false, patienceOf(context)),
    domainDestroyFlags: ({ dom, flags }, context) => {
      check(flags, destroyGracefully, "qemuDomainDestroyFlags");
      return operations.destroy(find(dom), has(flags, destroyGracefully), patienceOf(context));
    },
  };
}
