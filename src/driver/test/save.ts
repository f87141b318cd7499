import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { getSystemErrorMap } from "node:util";
import {
  DomainReason,
  ErrorCode,
  ErrorDomain,
  Lifecycle,
  VirError,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { formatDefinition } from "./canonical.ts";
import { checkFlags, has, internal, invalid } from "./failure.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** The first line of a saved domain; its definition follows. */
const magic = "virtwright test guest 1\n";
/** In bytes; definitions are shorter. */
const longestImage = 16_777_216;
/** virDomainCoreDumpFlags. */
const crash = 1;

/** Domains in files: saved, restored, dumped. */
export function saveProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  const { shutoff } = DomainReason;
  const { saved, crashed } = Lifecycle.stopped.detail;
  const save = (guest: Guest, path: string): void => {
    guest.checkActive();
    const text = magic + formatDefinition(guest.definition);
    write(path, text, `saving domain '${guest.name}' to '${path}': open failed`);
    hypervisor.stop(guest, shutoff.saved, saved);
  };
  // The reply is empty; but who keeps the change has to know whose it is.
  const restore = (path: string, signal: AbortSignal): void | Promise<void> =>
    hypervisor.read<void>(read(path), signal, (definition) => {
      const guest = hypervisor.create(definition, DomainReason.running.restored, Lifecycle.started.detail.restored);
      return { dom: guest.reference };
    });
  const dump = (guest: Guest, path: string, flags: number): void => {
    guest.checkActive();
    write(path, "core of a test guest\n", `domain '${guest.name}' coredump: failed to open ${path}`);
    if (has(flags, crash)) hypervisor.stop(guest, shutoff.crashed, crashed);
  };
  return {
    domainSave: ({ dom, to }) => save(find(dom), to),
    domainSaveFlags: ({ dom, to, dxml, flags }) => {
      checkFlags(flags, 0, "testDomainSaveFlags");
      refuseXml(dxml);
      save(find(dom), to);
    },
    domainRestore: ({ from }, { signal }) => restore(from, signal),
    domainRestoreFlags: ({ from, dxml, flags }, { signal }) => {
      checkFlags(flags, 0, "testDomainRestoreFlags");
      refuseXml(dxml);
      return restore(from, signal);
    },
    domainSaveImageGetXmlDesc: ({ file, flags }, { signal }) => {
      checkFlags(flags, 1, "testDomainSaveImageGetXMLDesc");
      return hypervisor.read(read(file), signal, (definition) => ({ xml: formatDefinition(definition) }));
    },
    domainSaveImageDefineXml: ({ file, dxml, flags }, { signal }) => {
      checkFlags(flags, 2 | 4, "testDomainSaveImageDefineXML");
      read(file);
      return hypervisor.read(dxml, signal, (definition) => {
        const complaint = `saving domain '${definition.name}' to '${file}': open failed`;
        write(file, magic + formatDefinition(definition), complaint);
      });
    },
    domainCoreDump: ({ dom, to, flags }) => {
      checkFlags(flags, crash, "testDomainCoreDumpWithFormat");
      dump(find(dom), to, flags);
    },
    domainCoreDumpWithFormat: ({ dom, to, dumpformat, flags }) => {
      checkFlags(flags, crash, "testDomainCoreDumpWithFormat");
      if (dumpformat !== 0) {
        const detail = "kdump-compressed format is not supported here";
        throw VirError.of(ErrorCode.operationUnsupported, ErrorDomain.test, detail);
      }
      dump(find(dom), to, flags);
    },
    ...managedSaveProcedures(hypervisor, find),
  };
}

/** A managed save keeps nothing: the next start boots, as libvirt's test hypervisor does it. */
function managedSaveProcedures(hypervisor: Hypervisor, find: (dom: WireDomain) => Guest): DriverProcedures {
  return {
    domainManagedSave: ({ dom, flags }) => {
      checkFlags(flags, 1 | 2 | 4, "testDomainManagedSave");
      const guest = find(dom);
      guest.checkActive();
      if (!guest.persistent) throw invalid("cannot do managed save for transient domain");
      hypervisor.stop(guest, DomainReason.shutoff.saved, Lifecycle.stopped.detail.saved);
      guest.hasManagedSave = true;
    },
    domainHasManagedSaveImage: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainHasManagedSaveImage");
      return { result: Number(find(dom).hasManagedSave) };
    },
    domainManagedSaveRemove: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainManagedSaveRemove");
      find(dom).hasManagedSave = false;
    },
  };
}

function refuseXml(dxml: string | null): void {
  if (dxml === null) return;
  throw VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.test, "xml modification unsupported");
}

function read(path: string): string {
  let text: string;
  try {
    text = withFile(path, constants.O_RDONLY, readImage);
  } catch (error) {
    throw failed(`cannot read domain image '${path}'`, error);
  }
  if (!text.startsWith(magic)) throw internal("mismatched header magic");
  return text.slice(magic.length);
}

function write(path: string, text: string, complaint: string): void {
  try {
    const { O_WRONLY, O_CREAT, O_TRUNC } = constants;
    withFile(path, O_WRONLY | O_CREAT | O_TRUNC, (fd) => writeWhole(fd, path, text));
  } catch (error) {
    throw failed(complaint, error);
  }
}

/** Half of a file is no image: it goes. A device stays. */
function writeWhole(fd: number, path: string, text: string): void {
  try {
    writeFileSync(fd, text);
  } catch (error) {
    if (fstatSync(fd).isFile()) rmSync(path, { force: true });
    throw error;
  }
}

/** What would wait, as a pipe without anybody at its other end, fails instead. */
function withFile<T>(path: string, flags: number, use: (fd: number) => T): T {
  const fd = openSync(path, flags | constants.O_NONBLOCK, 0o600);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** A device or a pipe has no image in it, and a file that is longer than any image has not either. */
function readImage(fd: number): string {
  const status = fstatSync(fd);
  return status.isFile() && status.size <= longestImage ? readFileSync(fd, "utf8") : "";
}

/** With the system's own words, which Node has in lower case. */
function failed(complaint: string, error: unknown): VirError {
  const { errno = -5 } = error as NodeJS.ErrnoException;
  const reason = getSystemErrorMap().get(errno)?.[1] ?? `error ${-errno}`;
  const words = reason.charAt(0).toUpperCase() + reason.slice(1);
  return VirError.system(ErrorDomain.test, -errno, `${complaint}: ${words}`, error);
}
