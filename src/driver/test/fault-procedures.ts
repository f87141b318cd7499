import type { DriverProcedures } from "../driver.ts";
import type { Faults } from "./faults.ts";

/** The simulator's faults, as calls. */
export function faultProcedures(faults: Faults): DriverProcedures {
  return {
    faultAdd: ({ fault }) => ({ id: faults.add(fault) }),
    faultRemove: ({ id }) => faults.remove(id),
    faultList: () => ({ faults: faults.list }),
  };
}
