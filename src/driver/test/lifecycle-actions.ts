import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags } from "./failure.ts";
import { affect } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** virDomainLifecycle and virDomainLifecycleAction; the last two actions are for a crash alone. */
const occasions = ["poweroff", "reboot", "crash"];
const actions = ["destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"];
const firstForCrash = 4;

/** What becomes of a domain that ends. */
export function lifecycleActionProcedures(hypervisor: Hypervisor): DriverProcedures {
  return {
    domainSetLifecycleAction: ({ dom, type, action, flags }) => {
      const occasion = occasions[type];
      const name = actions[action];
      if (occasion === undefined) throw refusal(ErrorCode.invalidArg, `invalid lifecycle type '${type}'`);
      if (name === undefined) throw refusal(ErrorCode.invalidArg, `invalid lifecycle action '${action}'`);
      if (occasion !== "crash" && action >= firstForCrash) {
        const detail = `Lifecycle event '${occasion}' doesn't support '${name}' action`;
        throw refusal(ErrorCode.configUnsupported, detail);
      }
      checkFlags(flags, affect.live | affect.config, "testDomainSetLifecycleAction");
      hypervisor.of(dom).edit(flags, (root) => {
        const known = root.first(`on_${occasion}`);
        if (known === undefined) root.children.push(Element.leaf(`on_${occasion}`, name));
        else known.setText(name);
      });
    },
  };
}

function refusal(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.domain, detail);
}
