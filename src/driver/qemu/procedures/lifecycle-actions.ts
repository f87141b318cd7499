import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import type { Guests } from "../guests.ts";
import { affect, modify } from "../modification.ts";
import { check, patienceOf } from "./asked.ts";

/** virDomainLifecycle and virDomainLifecycleAction; the last two actions are for a crash alone. */
const occasions = ["poweroff", "reboot", "crash"];
const actions = ["destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"];
const firstForCrash = 4;

/** What becomes of a domain that ends. */
export function lifecycleActionProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  return {
    domainSetLifecycleAction: ({ dom, type, action, flags }, context) => {
      const occasion = occasions[type];
      const name = actions[action];
      if (occasion === undefined) throw refusal(ErrorCode.invalidArg, `invalid lifecycle type '${type}'`);
      if (name === undefined) throw refusal(ErrorCode.invalidArg, `invalid lifecycle action '${action}'`);
      if (occasion !== "crash" && action >= firstForCrash) {
        const detail = `Lifecycle event '${occasion}' doesn't support '${name}' action`;
        throw refusal(ErrorCode.configUnsupported, detail);
      }
      check(flags, affect.live | affect.config, "qemuDomainSetLifecycleAction");
      return modify(guests, find(dom), flags, "lifecycle action", patienceOf(context), (change) =>
        change.editAll((root) => {
          const known = root.first(`on_${occasion}`);
          if (known === undefined) root.children.push(Element.leaf(`on_${occasion}`, name));
          else known.setText(name);
        }),
      );
    },
  };
}

function refusal(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.domain, detail);
}
