import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import type { AskingWays, Operations } from "../operations.ts";
import { affect, check, has, patienceOf } from "./asked.ts";

const start = { paused: 1, bypassCache: 4, forceBoot: 8, validate: 16 };
const startFlags = start.paused | start.bypassCache | start.forceBoot;
const destroyGracefully = 1;
const shutdown = { powerButton: 1, agent: 2 };
/** virNodeSuspendTarget, in the agent's words. */
const sleeps = ["ram", "disk", "hybrid"];

/** A domain's runs: how they begin, go on and end. */
export function lifecycleProcedures(operations: Operations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => operations.guests.domains.byUuid(uuid, name);
  return {
    domainCreateXml: async ({ xmlDesc, flags }, context) => {
      check(flags, start.paused | start.validate, "qemuDomainCreateXML");
      const validate = has(flags, start.validate);
      return { dom: await operations.create(xmlDesc, has(flags, start.paused), patienceOf(context), validate) };
    },
    domainCreate: async ({ dom }, context) => {
      await operations.start(find(dom), {}, patienceOf(context));
    },
    domainCreateWithFlags: async ({ dom, flags }, context) => {
      check(flags, startFlags, "qemuDomainCreateWithFlags");
      const options = { paused: has(flags, start.paused), forceBoot: has(flags, start.forceBoot) };
      return { dom: await operations.start(find(dom), options, patienceOf(context)) };
    },
    domainSuspend: ({ dom }, context) => operations.suspend(find(dom), patienceOf(context)),
    domainResume: ({ dom }, context) => operations.resume(find(dom), patienceOf(context)),
    domainDestroy: ({ dom }, context) => operations.destroy(find(dom), false, patienceOf(context)),
    domainDestroyFlags: ({ dom, flags }, context) => {
      check(flags, destroyGracefully, "qemuDomainDestroyFlags");
      return operations.destroy(find(dom), has(flags, destroyGracefully), patienceOf(context));
    },
    domainSetAutostart: ({ dom, autostart }, context) =>
      operations.setAutostart(find(dom), autostart !== 0, patienceOf(context)),
    domainGetAutostart: ({ dom }) => ({ autostart: Number(operations.autostarts.has(find(dom))) }),
    domainRename: async ({ dom, newName, flags }, context) => {
      check(flags, 0, "qemuDomainRename");
      await operations.rename(find(dom), newName ?? "", patienceOf(context));
      return { retcode: 0 };
    },
    ...askingProcedures(operations, find),
    ...actionProcedures(operations, find),
  };
}

/** What the guest is asked to do, and need not. */
function askingProcedures(operations: Operations, find: (dom: WireDomain) => Domain): DriverProcedures {
  const waysOf = (flags: number): AskingWays => ({
    powerButton: has(flags, shutdown.powerButton),
    agent: has(flags, shutdown.agent),
  });
  return {
    domainShutdown: ({ dom }, context) => operations.shutdown(find(dom), waysOf(0), patienceOf(context)),
    domainShutdownFlags: ({ dom, flags }, context) => {
      check(flags, shutdown.powerButton | shutdown.agent, "qemuDomainShutdownFlags");
      return operations.shutdown(find(dom), waysOf(flags), patienceOf(context));
    },
    domainReboot: ({ dom, flags }, context) => {
      check(flags, shutdown.powerButton | shutdown.agent, "qemuDomainReboot");
      return operations.reboot(find(dom), waysOf(flags), patienceOf(context));
    },
    domainReset: ({ dom, flags }, context) => {
      check(flags, 0, "qemuDomainReset");
      return operations.reset(find(dom), patienceOf(context));
    },
    domainPmSuspendForDuration: ({ dom, target, duration, flags }, context) => {
      check(flags, 0, "qemuDomainPMSuspendForDuration");
      if (duration !== 0n) throw unsupported("Duration not supported. Use 0 for now");
      const mode = sleeps[target];
      if (mode === undefined) throw unsupported(`Unknown suspend target: ${target}`);
      return operations.sleep(find(dom), mode, patienceOf(context));
    },
    domainPmWakeup: ({ dom, flags }, context) => {
      check(flags, 0, "qemuDomainPMWakeup");
      return operations.wakeUp(find(dom), patienceOf(context));
    },
  };
}

/** virDomainLifecycle and virDomainLifecycleAction; the last two actions are for a crash alone. */
const occasions = ["poweroff", "reboot", "crash"];
const actions = ["destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"];
const firstForCrash = 4;

/** What becomes of a domain whose guest has powered off, rebooted or crashed. */
function actionProcedures(operations: Operations, find: (dom: WireDomain) => Domain): DriverProcedures {
  return {
    domainSetLifecycleAction: async ({ dom, type, action, flags }, context) => {
      const [occasion, name] = [occasions[type], actions[action]];
      if (occasion === undefined) throw refusal(ErrorCode.invalidArg, `invalid lifecycle type '${type}'`);
      if (name === undefined) throw refusal(ErrorCode.invalidArg, `invalid lifecycle action '${action}'`);
      if (occasion !== "crash" && action >= firstForCrash) {
        const detail = `Lifecycle event '${occasion}' doesn't support '${name}' action`;
        throw refusal(ErrorCode.configUnsupported, detail);
      }
      check(flags, affect.live | affect.config, "qemuDomainSetLifecycleAction");
      const domain = find(dom);
      await operations.setAction(domain, occasion, name, flags, patienceOf(context));
    },
  };
}

function unsupported(detail: string): VirError {
  return refusal(ErrorCode.argumentUnsupported, detail);
}

function refusal(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.domain, detail);
}
