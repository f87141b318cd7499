import type { Domain } from "../../../model/index.ts";
import type { Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import type { Operations } from "../operations.ts";
import { check, has, patienceOf } from "./asked.ts";

const start = { paused: 1, forceBoot: 8, validate: 16 };
/** Graceful: libxl knows one way to destroy. */
const destroyFlags = 1;
/** virDomainShutdownFlagValues; a reboot has the same. */
const ask = { powerButton: 1, paravirt: 16 };

/** A domain's runs: how they begin, go on and end. */
export function lifecycleProcedures(operations: Operations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => operations.guests.domains.byUuid(uuid, name);
  return {
    domainCreateXml: async ({ xmlDesc, flags }, context) => {
      check(flags, start.paused | start.validate, "libxlDomainCreateXML");
      const validate = has(flags, start.validate);
      return { dom: await operations.create(xmlDesc, has(flags, start.paused), patienceOf(context), validate) };
    },
    domainCreate: async ({ dom }, context) => {
      await operations.start(find(dom), {}, patienceOf(context));
    },
    domainCreateWithFlags: async ({ dom, flags }, context) => {
      check(flags, start.paused | start.forceBoot, "libxlDomainCreateWithFlags");
      const options = { paused: has(flags, start.paused), forceBoot: has(flags, start.forceBoot) };
      return { dom: await operations.start(find(dom), options, patienceOf(context)) };
    },
    domainSuspend: ({ dom }, context) => operations.suspend(find(dom), patienceOf(context)),
    domainResume: ({ dom }, context) => operations.resume(find(dom), patienceOf(context)),
    domainShutdown: ({ dom }, context) => operations.shutdown(find(dom), patienceOf(context)),
    domainShutdownFlags: ({ dom, flags }, context) => {
      check(flags, ask.powerButton | ask.paravirt, "libxlDomainShutdownFlags");
      const ways = { paravirt: has(flags, ask.paravirt), powerButton: has(flags, ask.powerButton) };
      return operations.shutdown(find(dom), patienceOf(context), flags === 0 ? undefined : ways);
    },
    domainReboot: ({ dom, flags }, context) => {
      check(flags, ask.paravirt, "libxlDomainReboot");
      return operations.reboot(find(dom), patienceOf(context));
    },
    domainDestroy: ({ dom }, context) => operations.destroy(find(dom), patienceOf(context)),
    domainDestroyFlags: ({ dom, flags }, context) => {
      check(flags, destroyFlags, "libxlDomainDestroyFlags");
      return operations.destroy(find(dom), patienceOf(context));
    },
    domainSetAutostart: ({ dom, autostart }, context) =>
      operations.setAutostart(find(dom), autostart !== 0, patienceOf(context)),
    domainGetAutostart: ({ dom }) => ({ autostart: Number(operations.autostarts.has(find(dom))) }),
    domainRename: async ({ dom, newName, flags }, context) => {
      check(flags, 0, "libxlDomainRename");
      await operations.rename(find(dom), newName ?? "", patienceOf(context));
      return { retcode: 0 };
    },
  };
}
