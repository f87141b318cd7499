import type { Domain as WireDomain } from "../protocol/index.ts";
import type { CallContext, DriverProcedures } from "./driver.ts";

/** `flags` are of virDomainModificationImpact: the run, the persistent definition, or both. */
type Plug = (dom: WireDomain, xml: string, flags: number, context: CallContext) => Promise<void>;

const live = 1;

/** The calls by which devices come and go; those without flags mean the run. */
export function plugCalls(attach: Plug, detach: Plug): DriverProcedures {
  return {
    domainAttachDevice: ({ dom, xml }, context) => attach(dom, xml, live, context),
    domainAttachDeviceFlags: ({ dom, xml, flags }, context) => attach(dom, xml, flags, context),
    domainDetachDevice: ({ dom, xml }, context) => detach(dom, xml, live, context),
    domainDetachDeviceFlags: ({ dom, xml, flags }, context) => detach(dom, xml, flags, context),
  };
}
