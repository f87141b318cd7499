import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { dumpDefinition } from "../../qemu/definition/dump.ts";
import { configOf, definitionOf } from "../configuration/index.ts";
import { type Dialect, readConfig, writeConfig } from "../native/index.ts";
import type { Operations } from "../operations.ts";
import { check, has, patienceOf } from "./asked.ts";

/** Bits of virDomainXMLFlags. */
const xml = { secure: 1, inactive: 2, migratable: 8, all: 1 | 2 | 4 | 8 };
/** VIR_DOMAIN_DEFINE_VALIDATE. */
const validate = 1;
const undefineFlags = 1 | 2 | 4 | 8 | 16;
const withManagedSave = 1;

/** Definitions: made, shown, forgotten, and translated. */
export function definitionProcedures(operations: Operations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => operations.guests.domains.byUuid(uuid, name);
  return {
    domainDefineXml: async ({ xml: text }, context) => ({ dom: await operations.define(text, patienceOf(context)) }),
    domainDefineXmlFlags: async ({ xml: text, flags }, context) => {
      check(flags, validate, "libxlDomainDefineXMLFlags");
      return { dom: await operations.define(text, patienceOf(context), has(flags, validate)) };
    },
    domainUndefine: ({ dom }, context) => operations.undefine(find(dom), patienceOf(context)),
    domainUndefineFlags: ({ dom, flags }, context) => {
      check(flags, undefineFlags, "libxlDomainUndefineFlags");
      return operations.undefine(find(dom), patienceOf(context), has(flags, withManagedSave));
    },
    domainGetXmlDesc: ({ dom, flags }) => {
      check(flags, xml.all, "libxlDomainGetXMLDesc");
      return { xml: describe(find(dom), flags) };
    },
    connectDomainXmlFromNative: ({ nativeFormat, nativeConfig, flags }) => {
      check(flags, 0, "libxlConnectDomainXMLFromNative");
      const config = readConfig(nativeConfig, dialectOf(nativeFormat));
      return { domainXml: dumpDefinition(definitionOf(config)) };
    },
    connectDomainXmlToNative: async ({ nativeFormat, domainXml, flags }, context) => {
      check(flags, 0, "libxlConnectDomainXMLToNative");
      const dialect = dialectOf(nativeFormat);
      const definition = await operations.guests.read(domainXml, patienceOf(context));
      return { nativeConfig: writeConfig(configOf(definition), dialect) };
    },
  };
}

function dialectOf(format: string): Dialect {
  if (format === "xen-xl") return "xl";
  if (format === "xen-xm") return "xm";
  throw VirError.of(ErrorCode.invalidArg, ErrorDomain.libxl, `unsupported config type ${format}`);
}

function describe({ persistent, definition, id }: Domain, flags: number): string {
  const inactive = has(flags, xml.inactive);
  const shown = inactive ? (persistent ?? definition) : definition;
  if (shown === undefined) return "";
  const migratable = has(flags, xml.migratable);
  return dumpDefinition(shown, {
    id: inactive || id < 0 ? undefined : id,
    secure: migratable || has(flags, xml.secure),
  });
}
