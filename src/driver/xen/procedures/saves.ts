import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { invalid } from "../errors.ts";
import type { Operations } from "../operations.ts";
import { check, has, patienceOf } from "./asked.ts";

/** virDomainSaveRestoreFlags. */
const paused = 4;
/** virDomainCoreDumpFlags. */
const dump = { crash: 1, live: 2 };
const secureXml = 1;

/** Domains in files: saved, restored, dumped. */
export function saveProcedures(operations: Operations): DriverProcedures {
  const { saves, guests } = operations;
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  return {
    domainSave: ({ dom, to }, context) => saves.save(find(dom), to, patienceOf(context)),
    domainSaveFlags: ({ dom, to, dxml, flags }, context) => {
      check(flags, 0, "libxlDomainSaveFlags");
      if (dxml !== null) {
        throw VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.libxl, "xml modification unsupported");
      }
      return saves.save(find(dom), to, patienceOf(context));
    },
    // The reply has nothing to say.
    domainRestore: async ({ from }, context) => {
      await saves.restore(from, undefined, false, patienceOf(context));
    },
    domainRestoreFlags: async ({ from, dxml, flags }, context) => {
      check(flags, paused, "libxlDomainRestoreFlags");
      await saves.restore(from, dxml ?? undefined, has(flags, paused), patienceOf(context));
    },
    domainSaveImageGetXmlDesc: async ({ file, flags }) => {
      check(flags, secureXml, "libxlDomainSaveImageGetXMLDesc");
      return { xml: await saves.readXml(file) };
    },
    domainCoreDump: ({ dom, to, flags }, context) => {
      check(flags, dump.crash | dump.live, "libxlDomainCoreDump");
      return saves.dump(
        find(dom),
        to,
        { live: has(flags, dump.live), crash: has(flags, dump.crash) },
        patienceOf(context),
      );
    },
    domainManagedSave: ({ dom, flags }, context) => {
      check(flags, 0, "libxlDomainManagedSave");
      return saves.saveManaged(find(dom), patienceOf(context));
    },
    domainHasManagedSaveImage: ({ dom, flags }) => {
      check(flags, 0, "libxlDomainHasManagedSaveImage");
      return { result: Number(saves.hasManaged(find(dom))) };
    },
    domainManagedSaveRemove: ({ dom, flags }, context) => {
      check(flags, 0, "libxlDomainManagedSaveRemove");
      const domain = find(dom);
      return guests.exclusively(domain, "remove managed save", patienceOf(context), () => saves.removeManaged(domain));
    },
    domainManagedSaveGetXmlDesc: async ({ dom, flags }) => {
      check(flags, secureXml, "libxlDomainManagedSaveGetXMLDesc");
      const domain = find(dom);
      if (!saves.hasManaged(domain)) throw invalid("domain does not have managed save image");
      return { xml: await saves.readXml(saves.managedPath(domain)) };
    },
  };
}
