import type { SchedulerParameters } from "../../../libxl/index.ts";
import type { Domain } from "../../../model/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  type TypedParam,
  VirError,
  type Domain as WireDomain,
} from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { internal, invalid, toVirError } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { check, has, patienceOf } from "./asked.ts";

/** virDomainModificationImpact, and that texts may come back. */
const flag = { live: 1, config: 2, strings: 4 };
const weights = [1, 65_535] as const;

/** A domain's share of the processors, where Xen's scheduler has shares. */
export function schedulerProcedures(guests: Guests): DriverProcedures {
  /** A domain that runs, domain 0 too: its number, and that it is still the same one when Xen is asked. */
  const active = ({ uuid, name }: WireDomain): Domain => {
    const domain = guests.domains.byUuid(uuid, name);
    if (domain.incarnation === undefined) throw invalid("domain is not running");
    return domain;
  };
  const parameters = async (dom: WireDomain, nparams: number): Promise<TypedParam[]> => {
    const { id } = active(dom);
    await checkScheduler(guests);
    const { weight = 0, cap = 0 } = await guests.xen.schedule(id).catch((error: unknown) => {
      throw toVirError(error, `get scheduler parameters for domain '${id}'`);
    });
    const params: TypedParam[] = [
      { field: "weight", value: { type: "uint", value: weight } },
      { field: "cap", value: { type: "uint", value: cap } },
    ];
    return params.slice(0, nparams);
  };
  const set = (dom: WireDomain, params: readonly TypedParam[], context: Parameters<typeof patienceOf>[0]) => {
    const wanted = wantedOf(params);
    const domain = active(dom);
    const meant = domain.incarnation;
    return guests.exclusively(domain, "scheduler parameters", patienceOf(context), async () => {
      if (domain.incarnation !== meant) throw invalid("domain is not running");
      await checkScheduler(guests);
      await guests.xen.setSchedule(domain.id, wanted);
    });
  };
  return {
    domainGetSchedulerType: async ({ dom }) => {
      active(dom);
      return { type: await guests.xen.scheduler(), nparams: 2 };
    },
    domainGetSchedulerParameters: async ({ dom, nparams }) => ({ params: await parameters(dom, nparams) }),
    domainGetSchedulerParametersFlags: async ({ dom, nparams, flags }) => {
      check(flags, flag.live | flag.strings, "libxlDomainGetSchedulerParametersFlags");
      return { params: await parameters(dom, nparams) };
    },
    domainSetSchedulerParameters: ({ dom, params }, context) => set(dom, params, context),
    domainSetSchedulerParametersFlags: ({ dom, params, flags }, context) => {
      check(flags, flag.live, "libxlDomainSetSchedulerParametersFlags");
      if (has(flags, flag.config)) throw invalid("parameters of the scheduler are those of a run");
      return set(dom, params, context);
    },
  };
}

async function checkScheduler(guests: Guests): Promise<void> {
  const name = await guests.xen.scheduler();
  if (name !== "credit" && name !== "credit2") throw internal("Only 'credit' and 'credit2' schedulers are supported");
}

function wantedOf(params: readonly TypedParam[]): SchedulerParameters {
  const wanted: { weight?: number; cap?: number } = {};
  for (const { field, value } of params) {
    const number = Number(value.value);
    if (field !== "weight" && field !== "cap") throw wrong(`parameter '${field}' not supported`);
    if (value.type !== "uint") throw wrong(`invalid type '${value.type}' for parameter '${field}', expected 'uint'`);
    if (field === "weight" && (number < weights[0] || number > weights[1])) {
      throw wrong(`weight must be from ${weights[0]} to ${weights[1]}, not ${number}`);
    }
    wanted[field] = number;
  }
  return wanted;
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.libxl, detail);
}
