import type { Domain } from "../../../model/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  type TypedParam,
  VirError,
  type Domain as WireDomain,
} from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { invalid } from "../errors.ts";
import type { Operations } from "../operations.ts";
import type { SaveOptions } from "../saves.ts";
import { check, has, patienceOf } from "./asked.ts";

/** virDomainSaveRestoreFlags. */
const save = { bypassCache: 1, running: 2, paused: 4, resetNvram: 8 };
const saveFlags = save.bypassCache | save.running | save.paused;
/** virDomainCoreDumpFlags. */
const dump = { crash: 1, live: 2, bypassCache: 4, reset: 8, memoryOnly: 16 };
const dumpFlags = dump.crash | dump.live | dump.bypassCache | dump.reset | dump.memoryOnly;
const secureXml = 1;

/** Domains in files: saved, restored, dumped. */
export function saveProcedures(operations: Operations): DriverProcedures {
  const { saves, dumps, guests } = operations;
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  return {
    domainSave: ({ dom, to }, context) => saves.save(find(dom), to, {}, patienceOf(context)),
    domainSaveFlags: ({ dom, to, dxml, flags }, context) =>
      saves.save(find(dom), to, optionsOf(flags, dxml, "qemuDomainSaveFlags"), patienceOf(context)),
    domainSaveParams: ({ dom, params, flags }, context) => {
      const { file, xml } = textsOf(params);
      if (file === undefined) throw missingFile();
      return saves.save(find(dom), file, optionsOf(flags, xml, "qemuDomainSaveParams"), patienceOf(context));
    },
    // The reply has nothing to say.
    domainRestore: async ({ from }, context) => {
      await saves.restore(from, {}, patienceOf(context));
    },
    domainRestoreFlags: async ({ from, dxml, flags }, context) => {
      await saves.restore(from, optionsOf(flags, dxml, "qemuDomainRestoreFlags"), patienceOf(context));
    },
    domainRestoreParams: async ({ params, flags }, context) => {
      const { file, xml } = textsOf(params);
      if (file === undefined) throw missingFile();
      await saves.restore(file, optionsOf(flags, xml, "qemuDomainRestoreParams"), patienceOf(context));
    },
    domainSaveImageGetXmlDesc: async ({ file, flags }) => {
      check(flags, secureXml, "qemuDomainSaveImageGetXMLDesc");
      return { xml: await saves.readXml(file) };
    },
    domainSaveImageDefineXml: ({ file, dxml, flags }, context) =>
      saves.replaceXml(file, stateOptions(flags, dxml, "qemuDomainSaveImageDefineXML"), patienceOf(context)),
    domainCoreDump: ({ dom, to, flags }, context) =>
      dumps.dump(find(dom), to, dumpOptions(flags, 0), patienceOf(context)),
    domainCoreDumpWithFormat: ({ dom, to, dumpformat, flags }, context) =>
      dumps.dump(find(dom), to, dumpOptions(flags, dumpformat), patienceOf(context)),
    ...managedProcedures(operations, find),
  };
}

/** What the next start takes up. */
function managedProcedures(operations: Operations, find: (dom: WireDomain) => Domain): DriverProcedures {
  const { saves, guests } = operations;
  const pathOf = (domain: Domain): string => {
    if (saves.hasManaged(domain)) return saves.managedPath(domain);
    throw invalid("domain does not have managed save image");
  };
  return {
    domainManagedSave: ({ dom, flags }, context) => {
      const { running } = optionsOf(flags, null, "qemuDomainManagedSave");
      return saves.saveManaged(find(dom), running, patienceOf(context));
    },
    domainHasManagedSaveImage: ({ dom, flags }) => {
      check(flags, 0, "qemuDomainHasManagedSaveImage");
      return { result: Number(saves.hasManaged(find(dom))) };
    },
    domainManagedSaveRemove: ({ dom, flags }, context) => {
      check(flags, 0, "qemuDomainManagedSaveRemove");
      const domain = find(dom);
      return guests.exclusively(domain, "remove managed save", patienceOf(context), () => saves.removeManaged(domain));
    },
    domainManagedSaveGetXmlDesc: async ({ dom, flags }) => {
      check(flags, secureXml, "qemuDomainManagedSaveGetXMLDesc");
      return { xml: await saves.readXml(pathOf(find(dom))) };
    },
    domainManagedSaveDefineXml: ({ dom, dxml, flags }, context) => {
      const options = stateOptions(flags, dxml, "qemuDomainManagedSaveDefineXML");
      const domain = find(dom);
      const patience = patienceOf(context);
      return guests.exclusively(domain, "define managed save", patience, () =>
        saves.replaceXml(pathOf(domain), options, patience),
      );
    },
  };
}

function optionsOf(flags: number, xml: string | null | undefined, caller: string): SaveOptions {
  if (has(flags, save.bypassCache)) throw noBypass();
  return stateOptions(flags, xml ?? null, caller);
}

function stateOptions(flags: number, xml: string | null, caller: string): SaveOptions {
  check(flags, saveFlags, caller);
  const [running, paused] = [has(flags, save.running), has(flags, save.paused)];
  if (running && paused) {
    const complaint = `flags 'VIR_DOMAIN_SAVE_RUNNING' and 'VIR_DOMAIN_SAVE_PAUSED' in function ${caller} are mutually exclusive`;
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, complaint);
  }
  return { xml: xml ?? undefined, running: running || paused ? running : undefined };
}

function dumpOptions(flags: number, format: number): Parameters<Operations["dumps"]["dump"]>[2] {
  check(flags, dumpFlags, "qemuDomainCoreDumpWithFormat");
  if (has(flags, dump.bypassCache)) throw noBypass();
  return {
    live: has(flags, dump.live),
    crash: has(flags, dump.crash),
    reset: has(flags, dump.reset),
    memoryOnly: has(flags, dump.memoryOnly),
    format,
  };
}

function textsOf(params: readonly TypedParam[]): { file: string | undefined; xml: string | undefined } {
  const textOf = (name: string): string | undefined => {
    const value = params.find(({ field }) => field === name)?.value;
    return value?.type === "string" ? value.value : undefined;
  };
  return { file: textOf("file"), xml: textOf("dxml") };
}

function missingFile(): VirError {
  const detail = "managed save is only supported without 'file' by virDomainManagedSave: name a file";
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.qemu, detail);
}

/** QEMU writes the file itself, and it cannot do that past the cache. */
function noBypass(): VirError {
  const detail = "bypass of the file system cache is not supported: leave --bypass-cache out";
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.qemu, detail);
}
