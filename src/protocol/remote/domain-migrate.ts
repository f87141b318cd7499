import { int, opaque, optional, uhyper, uint } from "../../xdr/index.ts";
import { proc, streamProc } from "../procedure.ts";
import { read } from "./access.ts";
import { Domain, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

/** What the two hosts have to tell each other; it goes between them unread. */
const cookie = opaque(4_194_304);

/** Moving a domain to another host, in the generations of libvirt's protocol for it, and the jobs that one can watch. */
export const domainMigrate = {
  /** Generation 1, on the destination: gets ready to receive. */
  domainMigratePrepare: proc(61, {
    args: { uriIn: optional(string), flags: uhyper, dname: optional(string), resource: uhyper },
    ret: { cookie, uriOut: optional(string) },
    acl: "domain:migrate domain:start domain:write",
  }),
  /** Generations 1 and 2, on the source: sends the domain. */
  domainMigratePerform: proc(62, {
    args: { dom: Domain, cookie, uri: string, flags: uhyper, dname: optional(string), resource: uhyper },
    acl: "domain:migrate",
  }),
  /** Generation 1, on the destination: the domain that has come. */
  domainMigrateFinish: proc(63, {
    args: { dname: string, cookie, uri: string, flags: uhyper },
    ret: { ddom: Domain },
    acl: "domain:migrate",
  }),
  /** Generation 2, on the destination: gets ready to receive this definition. */
  domainMigratePrepare2: proc(108, {
    args: { uriIn: optional(string), flags: uhyper, dname: optional(string), resource: uhyper, domXml: string },
    ret: { cookie, uriOut: optional(string) },
    acl: "domain:migrate domain:start domain:write",
  }),
  /** Generation 2, on the destination: runs the domain, or forgets it when `retcode` says that sending failed. */
  domainMigrateFinish2: proc(109, {
    args: { dname: string, cookie, uri: string, flags: uhyper, retcode: int },
    ret: { ddom: Domain },
    acl: "domain:migrate",
  }),
  /** Generation 2, on the destination: gets ready to receive through this stream. */
  domainMigratePrepareTunnel: streamProc(148, {
    args: { flags: uhyper, dname: optional(string), resource: uhyper, domXml: string },
    stream: { direction: "upload" },
    acl: "domain:migrate domain:start domain:write",
  }),
  /** How far the job on a domain is: times in ms, sizes in bytes. */
  domainGetJobInfo: proc(163, {
    args: { dom: Domain },
    ret: {
      type: int,
      timeElapsed: uhyper,
      timeRemaining: uhyper,
      dataTotal: uhyper,
      dataProcessed: uhyper,
      dataRemaining: uhyper,
      memTotal: uhyper,
      memProcessed: uhyper,
      memRemaining: uhyper,
      fileTotal: uhyper,
      fileProcessed: uhyper,
      fileRemaining: uhyper,
    },
    ...read("domain"),
  }),
  /** Aborts the job on a domain: a migration, a save, a dump. */
  domainAbortJob: proc(164, { args: { dom: Domain }, acl: "domain:write" }),
  /** How long, in ms, the guest may stand still at the end of a migration. */
  domainMigrateSetMaxDowntime: proc(166, {
    args: { dom: Domain, downtime: uhyper, flags: uint },
    acl: "domain:migrate",
  }),
  /** Limits migrations, in MiB/s. */
  domainMigrateSetMaxSpeed: proc(207, { args: { dom: Domain, bandwidth: uhyper, flags: uint }, acl: "domain:migrate" }),
  /** Generation 3, on the source: the definition to be sent, and the first cookie. */
  domainMigrateBegin3: proc(213, {
    args: { dom: Domain, xmlin: optional(string), flags: uhyper, dname: optional(string), resource: uhyper },
    ret: { cookieOut: cookie, xml: string },
    acl: "domain:migrate",
  }),
  /** Generation 3, on the destination: gets ready to receive. */
  domainMigratePrepare3: proc(214, {
    args: {
      cookieIn: cookie,
      uriIn: optional(string),
      flags: uhyper,
      dname: optional(string),
      resource: uhyper,
      domXml: string,
    },
    ret: { cookieOut: cookie, uriOut: optional(string) },
    acl: "domain:migrate domain:start domain:write",
  }),
  /** Generation 3, on the destination: gets ready to receive through this stream. */
  domainMigratePrepareTunnel3: streamProc(215, {
    args: { cookieIn: cookie, flags: uhyper, dname: optional(string), resource: uhyper, domXml: string },
    ret: { cookieOut: cookie },
    stream: { direction: "upload" },
    acl: "domain:migrate domain:start domain:write",
  }),
  /** Generation 3, on the source: sends the domain. */
  domainMigratePerform3: proc(216, {
    args: {
      dom: Domain,
      xmlin: optional(string),
      cookieIn: cookie,
      dconnuri: optional(string),
      uri: optional(string),
      flags: uhyper,
      dname: optional(string),
      resource: uhyper,
    },
    ret: { cookieOut: cookie },
    acl: "domain:migrate",
  }),
  /** Generation 3, on the destination: runs the domain, or forgets it when `cancelled` is 1. */
  domainMigrateFinish3: proc(217, {
    args: {
      dname: string,
      cookieIn: cookie,
      dconnuri: optional(string),
      uri: optional(string),
      flags: uhyper,
      cancelled: int,
    },
    ret: { dom: Domain, cookieOut: cookie },
    acl: "domain:migrate",
  }),
  /** Generation 3, on the source: ends the domain here, or runs it on when `cancelled` is 1. */
  domainMigrateConfirm3: proc(218, {
    args: { dom: Domain, cookieIn: cookie, flags: uhyper, cancelled: int },
    acl: "domain:migrate",
  }),
  /** The limit of migrations, in MiB/s. */
  domainMigrateGetMaxSpeed: proc(242, {
    args: { dom: Domain, flags: uint },
    ret: { bandwidth: uhyper },
    acl: "domain:migrate",
  }),
  /** How far the job on a domain is, or how the last one went, by name. */
  domainGetJobStats: proc(298, {
    args: { dom: Domain, flags: uint },
    ret: { type: int, params: typedParams(64) },
    ...read("domain"),
  }),
  /** Size of the cache for compressing repeated pages, in bytes. */
  domainMigrateGetCompressionCache: proc(299, {
    args: { dom: Domain, flags: uint },
    ret: { cacheSize: uhyper },
    acl: "domain:migrate",
    readOnly: "allowed",
  }),
  /** Sets the size of the cache for compressing repeated pages, in bytes. */
  domainMigrateSetCompressionCache: proc(300, {
    args: { dom: Domain, cacheSize: uhyper, flags: uint },
    acl: "domain:migrate",
  }),
  /** As `domainMigrateBegin3`, with typed parameters. */
  domainMigrateBegin3Params: proc(302, {
    args: { dom: Domain, params: typedParams(64), flags: uint },
    ret: { cookieOut: cookie, xml: string },
    acl: "domain:migrate",
  }),
  /** As `domainMigratePrepare3`, with typed parameters. */
  domainMigratePrepare3Params: proc(303, {
    args: { params: typedParams(64), cookieIn: cookie, flags: uint },
    ret: { cookieOut: cookie, uriOut: optional(string) },
    acl: "domain:migrate domain:start domain:write",
  }),
  /** As `domainMigratePrepareTunnel3`, with typed parameters. */
  domainMigratePrepareTunnel3Params: streamProc(304, {
    args: { params: typedParams(64), cookieIn: cookie, flags: uint },
    ret: { cookieOut: cookie },
    stream: { direction: "upload" },
    acl: "domain:migrate domain:start domain:write",
  }),
  /** As `domainMigratePerform3`, with typed parameters. */
  domainMigratePerform3Params: proc(305, {
    args: { dom: Domain, dconnuri: optional(string), params: typedParams(64), cookieIn: cookie, flags: uint },
    ret: { cookieOut: cookie },
    acl: "domain:migrate",
  }),
  /** As `domainMigrateFinish3`, with typed parameters. */
  domainMigrateFinish3Params: proc(306, {
    args: { params: typedParams(64), cookieIn: cookie, flags: uint, cancelled: int },
    ret: { dom: Domain, cookieOut: cookie },
    acl: "domain:migrate",
  }),
  /** As `domainMigrateConfirm3`, with typed parameters. */
  domainMigrateConfirm3Params: proc(307, {
    args: { dom: Domain, params: typedParams(64), cookieIn: cookie, flags: uint, cancelled: int },
    acl: "domain:migrate",
  }),
  /** Lets the guest run on the destination at once, and fetches its memory afterwards. */
  domainMigrateStartPostCopy: proc(364, { args: { dom: Domain, flags: uint }, acl: "domain:migrate" }),
  /** How long, in ms, the guest may stand still at the end of a migration. */
  domainMigrateGetMaxDowntime: proc(387, {
    args: { dom: Domain, flags: uint },
    ret: { downtime: uhyper },
    acl: "domain:migrate",
    readOnly: "allowed",
  }),
  /** Aborts the job on a domain; bit 0 of `flags` also takes a migration in its post-copy phase. */
  domainAbortJobFlags: proc(442, { args: { dom: Domain, flags: uint }, acl: "domain:write" }),
} as const;
