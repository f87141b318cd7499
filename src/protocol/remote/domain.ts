import { array, int, optional, struct, uchar, uhyper, uint, ushort } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { lookup, read, readKnown, writeOrSave } from "./access.ts";
import { countedChars, Domain, string, uuid } from "./base.ts";
import { typedParams } from "./typed-param.ts";

const SecurityLabel = struct("domain_get_security_label_ret", { label: countedChars(4097), enforcing: int });

/** What a domain is: finding it, its definition, its state. */
export const domain = {
  /** Makes a definition persistent, new or in place of the one with the same uuid. */
  domainDefineXml: proc(11, {
    args: { xml: string },
    ret: { dom: Domain },
    acl: "domain:write domain:save",
    priority: true,
  }),
  /** The definition, live or persistent as `flags` say. Secrets need bit 0 of `flags`. */
  domainGetXmlDesc: proc(14, {
    args: { dom: Domain, flags: uint },
    ret: { xml: string },
    acl: "domain:read domain:read_secure:VIR_DOMAIN_XML_SECURE domain:read_secure:VIR_DOMAIN_XML_MIGRATABLE",
    readOnly: { unlessFlags: 1 | 8, detail: "virDomainGetXMLDesc with secure flag" },
  }),
  /** Whether it starts with the daemon. */
  domainGetAutostart: proc(15, { args: { dom: Domain }, ret: { autostart: int }, ...readKnown("domain") }),
  /** `maxMem` and `memory` are in KiB, `cpuTime` in ns. */
  domainGetInfo: proc(16, {
    args: { dom: Domain },
    ret: { state: uchar, maxMem: uhyper, memory: uhyper, nrVirtCpu: ushort, cpuTime: uhyper },
    ...read("domain"),
  }),
  /** How it boots: "hvm", "xen", "exe". */
  domainGetOsType: proc(19, { args: { dom: Domain }, ret: { type: string }, ...readKnown("domain") }),
  /** Looks up a running domain by its id. */
  domainLookupById: proc(22, { args: { id: int }, ret: { dom: Domain }, ...lookup("domain") }),
  /** Looks up a domain by its name. */
  domainLookupByName: proc(23, { args: { name: string }, ret: { dom: Domain }, ...lookup("domain") }),
  /** Looks up a domain by its uuid. */
  domainLookupByUuid: proc(24, { args: { uuid }, ret: { dom: Domain }, ...lookup("domain") }),
  /** Sets whether it starts with the daemon. */
  domainSetAutostart: proc(29, { args: { dom: Domain, autostart: int }, acl: "domain:write", priority: true }),
  /** Forgets the definition; a running domain becomes transient. */
  domainUndefine: proc(35, { args: { dom: Domain }, acl: "domain:delete", priority: true }),
  /** The label that confines the guest's process, of the first security model. */
  domainGetSecurityLabel: proc(121, {
    args: { dom: Domain },
    ret: { label: countedChars(4097), enforcing: int },
    ...readKnown("domain"),
  }),
  /** Whether it runs. */
  domainIsActive: proc(150, { args: { dom: Domain }, ret: { active: int }, ...readKnown("domain") }),
  /** Whether it has a definition that outlives its run. */
  domainIsPersistent: proc(151, { args: { dom: Domain }, ret: { persistent: int }, ...readKnown("domain") }),
  /** Whether the definition of a running domain has been changed since it was started. */
  domainIsUpdated: proc(202, { args: { dom: Domain }, ret: { updated: int }, ...readKnown("domain") }),
  /** VIR_DOMAIN_* and a reason of that state: `DomainState` and `DomainReason`. */
  domainGetState: proc(212, {
    args: { dom: Domain, flags: uint },
    ret: { state: int, reason: int },
    ...readKnown("domain"),
  }),
  /** Whether the hypervisor can be talked to about it, and for how long, in ms, it has been like that. */
  domainGetControlInfo: proc(229, {
    args: { dom: Domain, flags: uint },
    ret: { state: uint, details: uint, stateTime: uhyper },
    ...readKnown("domain"),
  }),
  /** Forgets the definition, and with it what `flags` name: saved state, snapshots, firmware variables. */
  domainUndefineFlags: proc(231, { args: { dom: Domain, flags: uint }, acl: "domain:delete", priority: true }),
  /** Sets title, description, or an element of the user's own under `uri`; null removes it. */
  domainSetMetadata: proc(264, {
    args: {
      dom: Domain,
      type: int,
      metadata: optional(string),
      key: optional(string),
      uri: optional(string),
      flags: uint,
    },
    acl: writeOrSave("domain"),
  }),
  /** Title, description, or the user's own element under `uri`. */
  domainGetMetadata: proc(265, {
    args: { dom: Domain, type: int, uri: optional(string), flags: uint },
    ret: { metadata: string },
    ...read("domain"),
  }),
  /** The labels of all security models. */
  domainGetSecurityLabelList: proc(278, {
    args: { dom: Domain },
    ret: { labels: array(SecurityLabel, 64), ret: int },
    ...readKnown("domain"),
  }),
  /** Like `domainDefineXml`; bit 0 of `flags` checks the XML against the schema first. */
  domainDefineXmlFlags: proc(350, {
    args: { xml: string, flags: uint },
    ret: { dom: Domain },
    acl: "domain:write domain:save",
    priority: true,
  }),
  /** Gives an inactive domain another name. */
  domainRename: proc(358, {
    args: { dom: Domain, newName: optional(string), flags: uint },
    ret: { retcode: int },
    acl: "domain:write domain:save",
  }),
  /** Measurements of an encrypted guest, for its owner to verify. */
  domainGetLaunchSecurityInfo: proc(396, {
    args: { dom: Domain, flags: uint },
    ret: { params: typedParams(64) },
    acl: "domain:read",
  }),
  /** Notes about the domain for a person: taints, deprecations. */
  domainGetMessages: proc(426, {
    args: { dom: Domain, flags: uint },
    ret: { msgs: array(string, 2_048) },
    ...read("domain"),
  }),
  /** Injects a secret into the memory of an encrypted guest before it runs. */
  domainSetLaunchSecurityState: proc(439, {
    args: { dom: Domain, params: typedParams(64), flags: uint },
    acl: "domain:write",
  }),
  /** Whether it starts with the host's next boot, and that one alone. */
  domainGetAutostartOnce: proc(449, { args: { dom: Domain }, ret: { autostart: int }, ...readKnown("domain") }),
  /** Sets whether it starts with the host's next boot, and that one alone. */
  domainSetAutostartOnce: proc(450, { args: { dom: Domain, autostart: int }, acl: "domain:write", priority: true }),
} as const;
