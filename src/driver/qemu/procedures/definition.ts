import type { Domain } from "../../../model/index.ts";
import type { Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { dumpDefinition } from "../definition/dump.ts";
import type { Operations } from "../operations.ts";
import { check, has, patienceOf } from "./asked.ts";

/** Bits of virDomainXMLFlags. */
const xml = { secure: 1, inactive: 2, migratable: 8, all: 1 | 2 | 4 | 8 };
/** VIR_DOMAIN_DEFINE_VALIDATE. */
const validate = 1;
/** Managed save, snapshots, NVRAM, checkpoints, of which there are none that could stay behind or go; TPM. */
const undefineFlags = 1 | 2 | 4 | 8 | 16 | 32 | 64;
const withManagedSave = 1;
const keepTpm = 64;

/** Definitions: made, shown, forgotten. */
export function definitionProcedures(operations: Operations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => operations.guests.domains.byUuid(uuid, name);
  return {
    domainDefineXml: async ({ xml }, context) => ({ dom: await operations.define(xml, patienceOf(context)) }),
    domainDefineXmlFlags: async ({ xml, flags }, context) => {
      check(flags, validate, "qemuDomainDefineXMLFlags");
      return { dom: await operations.define(xml, patienceOf(context), has(flags, validate)) };
    },
    domainUndefine: ({ dom }, context) => operations.undefine(find(dom), patienceOf(context)),
    domainUndefineFlags: ({ dom, flags }, context) => {
      check(flags, undefineFlags, "qemuDomainUndefineFlags");
      return operations.undefine(find(dom), patienceOf(context), {
        withSaved: has(flags, withManagedSave),
        keepsState: has(flags, keepTpm),
      });
    },
    domainGetXmlDesc: ({ dom, flags }) => {
      check(flags, xml.all, "qemuDomainGetXMLDesc");
      return { xml: describe(find(dom), flags) };
    },
  };
}

function describe({ persistent, definition, id }: Domain, flags: number): string {
  const inactive = has(flags, xml.inactive);
  const shown = inactive ? (persistent ?? definition) : definition;
  if (shown === undefined) return "";
  const migratable = has(flags, xml.migratable);
  return dumpDefinition(shown, {
    id: inactive || id < 0 ? undefined : id,
    secure: migratable || has(flags, xml.secure),
    migratable,
  });
}
