import type { TypedParam, Domain as WireDomain } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags, invalidArgument } from "./failure.ts";
import type { Hypervisor } from "./hypervisor.ts";

const weight: TypedParam = { field: "weight", value: { type: "uint", value: 50 } };

/** One parameter, that can be set and stays what it is. */
export function schedulerProcedures(hypervisor: Hypervisor): DriverProcedures {
  const get = (dom: WireDomain): { params: TypedParam[] } => {
    hypervisor.of(dom);
    return { params: [weight] };
  };
  const set = (dom: WireDomain, params: readonly TypedParam[]): void => {
    const wrong = params.find(({ field }) => field !== weight.field);
    if (wrong !== undefined) throw invalidArgument(`parameter '${wrong.field}' not supported`);
    hypervisor.of(dom);
  };
  return {
    domainGetSchedulerType: ({ dom }) => {
      hypervisor.of(dom);
      return { type: "fair", nparams: 1 };
    },
    domainGetSchedulerParameters: ({ dom }) => get(dom),
    domainGetSchedulerParametersFlags: ({ dom, flags }) => {
      // libvirtd itself adds a bit that its test hypervisor does not know, so that nobody gets an answer.
      checkFlags(flags | 4, 0, "testDomainGetSchedulerParametersFlags");
      return get(dom);
    },
    domainSetSchedulerParameters: ({ dom, params }) => set(dom, params),
    domainSetSchedulerParametersFlags: ({ dom, params, flags }) => {
      checkFlags(flags, 0, "testDomainSetSchedulerParametersFlags");
      set(dom, params);
    },
  };
}
