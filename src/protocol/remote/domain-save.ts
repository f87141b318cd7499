import { int, optional, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { read } from "./access.ts";
import { Domain, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

/** Keeping a domain's memory, and coming back from it. */
export const domainSave = {
  /** Writes the guest's memory to a file on the host, for debugging. */
  domainCoreDump: proc(53, { args: { dom: Domain, to: string, flags: uint }, acl: "domain:core_dump" }),
  /** Runs a domain on from a file that `domainSave` wrote. */
  domainRestore: proc(54, { args: { from: string }, acl: "domain:start domain:write" }),
  /** Writes state and memory to a file on the host and ends the domain. */
  domainSave: proc(55, { args: { dom: Domain, to: string }, acl: "domain:hibernate" }),
  /** Saves to a file that the next start takes up by itself. */
  domainManagedSave: proc(182, { args: { dom: Domain, flags: uint }, acl: "domain:hibernate" }),
  /** Whether the next start would take up a managed save. */
  domainHasManagedSaveImage: proc(183, { args: { dom: Domain, flags: uint }, ret: { result: int }, ...read("domain") }),
  /** Discards the managed save, so that the next start boots. */
  domainManagedSaveRemove: proc(184, { args: { dom: Domain, flags: uint }, acl: "domain:hibernate" }),
  /** Like `domainSave`; `dxml` replaces the definition inside the file. */
  domainSaveFlags: proc(232, {
    args: { dom: Domain, to: string, dxml: optional(string), flags: uint },
    acl: "domain:hibernate",
  }),
  /** Like `domainRestore`; `dxml` replaces the definition inside the file. */
  domainRestoreFlags: proc(233, {
    args: { from: string, dxml: optional(string), flags: uint },
    acl: "domain:start domain:write",
  }),
  /** The definition inside a saved file. */
  domainSaveImageGetXmlDesc: proc(235, {
    args: { file: string, flags: uint },
    ret: { xml: string },
    acl: "domain:write",
    priority: true,
  }),
  /** Replaces the definition inside a saved file. */
  domainSaveImageDefineXml: proc(236, {
    args: { file: string, dxml: string, flags: uint },
    acl: "domain:write domain:hibernate",
    priority: true,
  }),
  /** Like `domainCoreDump`, in one of several formats: VIR_DOMAIN_CORE_DUMP_FORMAT_*. */
  domainCoreDumpWithFormat: proc(334, {
    args: { dom: Domain, to: string, dumpformat: uint, flags: uint },
    acl: "domain:core_dump",
  }),
  /** The definition inside the managed save. */
  domainManagedSaveGetXmlDesc: proc(388, {
    args: { dom: Domain, flags: uint },
    ret: { xml: string },
    acl: "domain:read domain:read_secure:VIR_DOMAIN_SAVE_IMAGE_XML_SECURE",
    readOnly: { unlessFlags: 1, detail: "virDomainManagedSaveGetXMLDesc with secure flag" },
  }),
  /** Replaces the definition inside the managed save. */
  domainManagedSaveDefineXml: proc(389, {
    args: { dom: Domain, dxml: optional(string), flags: uint },
    acl: "domain:write domain:hibernate",
  }),
  /** Like `domainSave`; file, definition and the like are typed parameters. */
  domainSaveParams: proc(440, { args: { dom: Domain, params: typedParams(64), flags: uint }, acl: "domain:hibernate" }),
  /** Like `domainRestore`; file, definition and the like are typed parameters. */
  domainRestoreParams: proc(441, { args: { params: typedParams(64), flags: uint }, acl: "domain:start domain:write" }),
} as const;
