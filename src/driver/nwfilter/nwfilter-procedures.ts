import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { worded } from "../objects/worded.ts";

/**
 * There is no filter, and nothing is bound to one: so far every guest's traffic passes. Defining one is missing, and
 * answered as such: who defined a filter would believe in it.
 */
export function nwfilterProcedures(): DriverProcedures {
  return {
    connectNumOfNwfilters: () => ({ num: 0 }),
    connectListNwfilters: () => ({ names: [] }),
    connectListAllNwfilters: ({ flags }) => {
      check(flags, "nwfilterConnectListAllNWFilters");
      return { filters: [], ret: 0 };
    },
    nwfilterLookupByName: ({ name }) => {
      throw missed(`no nwfilter with matching name '${name}'`);
    },
    nwfilterLookupByUuid: ({ uuid }) => {
      throw missed(`no nwfilter with matching uuid '${uuid}'`);
    },
    connectListAllNwfilterBindings: ({ flags }) => {
      check(flags, "nwfilterConnectListAllNWFilterBindings");
      return { bindings: [], ret: 0 };
    },
    nwfilterBindingLookupByPortDev: ({ name }) => {
      const detail = `no nwfilter binding for port dev '${name}'`;
      throw worded(ErrorCode.noNwfilterBinding, ErrorDomain.nwfilter, "Network filter binding not found", detail);
    },
  };
}

function missed(detail: string): VirError {
  return worded(ErrorCode.noNwfilter, ErrorDomain.nwfilter, "Network filter not found", detail);
}

function check(flags: number, caller: string): void {
  VirError.checkFlags(flags, 0, ErrorDomain.nwfilter, caller);
}
