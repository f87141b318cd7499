import { ErrorCode, ErrorDomain, Feature, type TypedValue, VirError } from "../protocol/index.ts";
import type { Connection } from "./connection.ts";
import type { CallOptions } from "./method-types.ts";
import type { Domain } from "./objects.ts";
import type { ParamsInput } from "./typed-values.ts";

/** virDomainMigrateFlags. */
const bits = {
  live: 1,
  peer2peer: 1 << 1,
  tunnelled: 1 << 2,
  persistDest: 1 << 3,
  undefineSource: 1 << 4,
  paused: 1 << 5,
  nonSharedDisk: 1 << 6,
  nonSharedInc: 1 << 7,
  changeProtection: 1 << 8,
  unsafe: 1 << 9,
  offline: 1 << 10,
  compressed: 1 << 11,
  abortOnError: 1 << 12,
  autoConverge: 1 << 13,
  rdmaPinAll: 1 << 14,
  postcopy: 1 << 15,
  tls: 1 << 16,
  parallel: 1 << 17,
  nonSharedSynchronousWrites: 1 << 18,
  postcopyResume: 1 << 19,
  zerocopy: 1 << 20,
} as const;

export type MigrateFlag = keyof typeof bits;

export interface MigrateOptions extends CallOptions {
  /** How: words, or libvirt's number. */
  readonly flags?: number | MigrateFlag | readonly MigrateFlag[];
  /** What it is called there. Default: as here. */
  readonly name?: string;
  /** Where the destination takes its memory. Default: as the destination says. */
  readonly uri?: string;
  /** Its definition there. */
  readonly xml?: string;
  /** In MiB/s. Default: as much as there is. */
  readonly bandwidth?: number | bigint;
  /** All others, by libvirt's names: `{ migrate_disks: ["vda", "vdb"] }`. */
  readonly params?: ParamsInput;
}

/** What libvirt wants as an int of C's. */
const ints = /^(disks_port|compression\.mt\..*|auto_converge\..*|parallel\.connections)$/;
/** And what with 64 bit. */
const longs = /^(bandwidth.*|compression\.xbzrle\.cache)$/;

function paramsOf({ name, uri, xml, bandwidth, params = {} }: MigrateOptions): ParamsInput {
  const own = { destination_name: name, migrate_uri: uri, destination_xml: xml, bandwidth };
  // What has an option of its own may be among the others too.
  const given = [...Object.entries(params), ...Object.entries(own)].flatMap(([field, value]) =>
    value === undefined ? [] : [[field, typed(field, value)] as const],
  );
  return Object.fromEntries(given);
}

function typed(field: string, value: ParamsInput[string]): ParamsInput[string] {
  if (typeof value === "number" && ints.test(field)) return { type: "int", value } satisfies TypedValue;
  if (typeof value === "number" && longs.test(field)) return { type: "ullong", value: BigInt(value) };
  return value;
}

/** Throws TypeError for a word that is none. */
function bitsOf(flags: MigrateOptions["flags"] = 0): number {
  if (typeof flags === "number") return flags;
  const words: readonly MigrateFlag[] = typeof flags === "string" ? [flags] : flags;
  return words.reduce((sum, word) => {
    if (!Object.hasOwn(bits, word))
      throw new TypeError(`migrations have no flag "${word}"; there are: ${Object.keys(bits).join(", ")}`);
    return sum | bits[word];
  }, 0);
}

const has = (flags: number, word: MigrateFlag): boolean => (flags & bits[word]) !== 0;
const none = new Uint8Array();
/** A step whose end is not awaited may still succeed: the guest would run there, and go on here as well. */
const unlimited = { timeoutMs: Infinity };

type Limit = Pick<CallOptions, "timeoutMs">;

/** For the questions beside the steps. */
const limitOf = ({ timeoutMs }: CallOptions): Limit => (timeoutMs === undefined ? {} : { timeoutMs });

/** The calls of one migration, as both sides are asked. */
interface Steps {
  readonly domain: Domain;
  readonly destination: Connection;
  /** For the source. */
  readonly flags: number;
  /** For the destination, which is not told what only the source does. */
  readonly there: number;
  /** For a question beside the steps. */
  readonly limit: Limit;
  readonly signal: AbortSignal | undefined;
}

interface Prepared {
  readonly cookieOut: Uint8Array;
  readonly uriOut: string | null;
}

/**
 * Moves a domain to the hypervisor behind another connection: begin, prepare, perform, finish, confirm, as libvirt does it,
 * with this program between the two. What has gone wrong on the way is undone on both sides, and the domain goes on here.
 * When the signal is aborted, the job on the source is, and this rejects with the signal's reason. `timeoutMs` is for what
 * both sides are asked beside the steps: those take as long as they take, whatever the connections say. Rejects with
 * VirError: noSupport where a side cannot migrate.
 */
export async function migrateTo(
  domain: Domain,
  destination: Connection,
  options: MigrateOptions = {},
): Promise<Domain> {
  const given = bitsOf(options.flags);
  refuseUnmanaged(given);
  options.signal?.throwIfAborted();
  const source = domain.connection;
  const limit = limitOf(options);
  await refuseUnsupported(source, destination, given, limit);
  const isProtected = await source.supportsFeature(Feature.migrateChangeProtection, limit);
  const steps: Steps = {
    domain,
    destination,
    flags: isProtected ? given | bits.changeProtection : given & ~bits.changeProtection,
    there: given & ~(bits.abortOnError | bits.autoConverge | bits.changeProtection),
    limit,
    signal: options.signal,
  };
  return run(steps, paramsOf(options));
}

async function run(given: Steps, params: ParamsInput): Promise<Domain> {
  const { domain, destination, signal } = given;
  const begun = await domain.migrateBegin3Params(params, { flags: given.flags, ...unlimited });
  const withXml = { ...params, destination_xml: begun.xml };
  let steps = given;
  let prepared: Prepared;
  try {
    signal?.throwIfAborted();
    steps = await asPaused(given);
    signal?.throwIfAborted();
    prepared = await destination.domainMigratePrepare3Params(
      { params: withXml, cookieIn: begun.cookieOut },
      { flags: steps.there, ...unlimited },
    );
  } catch (error) {
    await confirm(steps, params, none, true).catch(() => undefined);
    throw error;
  }
  return send(steps, params, prepared);
}

/** A guest that does not run here is not to run there. Asked once the source holds it: before, that may change. */
async function asPaused(steps: Steps): Promise<Steps> {
  const { domain, flags, there, limit } = steps;
  const { state } = await domain.status(limit);
  return state === "paused" ? { ...steps, flags: flags | bits.paused, there: there | bits.paused } : steps;
}

/** The destination waits for it: whatever comes of it, the destination has to be told. */
async function send(steps: Steps, params: ParamsInput, { uriOut, cookieOut }: Prepared): Promise<Domain> {
  const { domain, flags, signal } = steps;
  const named = { destination_name: domain.name, ...params };
  let sent: ParamsInput;
  try {
    signal?.throwIfAborted();
    sent = whereTo(params, uriOut);
  } catch (error) {
    await finish(steps, named, none, true).catch(() => undefined);
    await confirm(steps, named, none, true).catch(() => undefined);
    throw error;
  }
  const ended = { ...named, ...sent };
  // Nothing is sent: QEMU's Finish would take the source's cookie for that of a guest of its own host.
  if (has(flags, "offline")) return end(steps, ended, none);
  let cookieIn: Uint8Array;
  try {
    cookieIn = await perform(steps, sent, cookieOut);
  } catch (error) {
    // The source has gone back by itself.
    await finish(steps, ended, none, true).catch(() => undefined);
    throw signal?.aborted === true ? signal.reason : error;
  }
  return end(steps, ended, cookieIn);
}

/** From here on it runs there, or the source is told that it does not. */
async function end(steps: Steps, params: ParamsInput, cookieIn: Uint8Array): Promise<Domain> {
  let arrived: { readonly dom: Domain; readonly cookieOut: Uint8Array };
  try {
    arrived = await finish(steps, params, cookieIn, false);
  } catch (error) {
    await confirm(steps, params, none, true).catch(() => undefined);
    throw error;
  }
  // It runs there, whatever the source says of it.
  await confirm(steps, params, arrived.cookieOut, false).catch(() => undefined);
  return arrived.dom;
}

function whereTo(params: ParamsInput, uriOut: string | null): ParamsInput {
  if (uriOut !== null) return { ...params, migrate_uri: uriOut };
  if (params["migrate_uri"] !== undefined) return params;
  throw VirError.of(ErrorCode.internalError, ErrorDomain.dom, "domainMigratePrepare3 did not set uri");
}

async function perform({ domain, flags, signal }: Steps, params: ParamsInput, cookieIn: Uint8Array) {
  const args = { dconnuri: null, params, cookieIn };
  return asJob(domain, signal, () => domain.migratePerform3Params(args, { flags, ...unlimited }));
}

function finish(
  { destination, there }: Steps,
  params: ParamsInput,
  cookieIn: Uint8Array,
  isCancelled: boolean,
): Promise<{ readonly dom: Domain; readonly cookieOut: Uint8Array }> {
  const cancelled = isCancelled ? 1 : 0;
  return destination.domainMigrateFinish3Params({ params, cookieIn, cancelled }, { flags: there, ...unlimited });
}

function confirm({ domain, flags }: Steps, params: ParamsInput, cookieIn: Uint8Array, isCancelled: boolean) {
  const cancelled = isCancelled ? 1 : 0;
  return domain.migrateConfirm3Params({ params, cookieIn, cancelled }, { flags, ...unlimited });
}

/**
 * Has the source move a domain by itself: to the daemon at `uri` with the flag `peer2peer`, or without one, to a
 * hypervisor that takes it without. Aborting, waiting and rejecting as by `migrateTo`.
 */
export async function migrateToUri(domain: Domain, uri: string, options: MigrateOptions = {}): Promise<void> {
  const flags = bitsOf(options.flags);
  options.signal?.throwIfAborted();
  const source = domain.connection;
  const isPeer = has(flags, "peer2peer");
  const limit = limitOf(options);
  if (has(flags, "offline")) await refuseOffline(source, "source", limit);
  const needed = isPeer ? Feature.migrationPeerToPeer : Feature.migrationDirect;
  if (!(await source.supportsFeature(needed, limit)))
    throw unsupportedArgument(`${isPeer ? "p2p" : "direct"} migration is not supported by the source host`);
  if (isPeer && isLocal(uri)) throw invalid("Attempt to migrate guest to the same host");
  if (isPeer && !(await source.supportsFeature(Feature.migrationParams, limit)))
    throw unsupported("virDomainMigrateToURI3");
  const params = paramsOf(options);
  const { name, bandwidth = 0 } = options;
  try {
    await asJob<unknown>(domain, options.signal, () =>
      isPeer
        ? domain.migratePerform3Params({ dconnuri: uri, params, cookieIn: none }, { flags, ...unlimited })
        : domain.migratePerform({ cookie: none, uri, dname: name, resource: bandwidth }, { flags, ...unlimited }),
    );
  } catch (error) {
    throw options.signal?.aborted === true ? options.signal.reason : error;
  }
}

/** By RFC 3986: scheme, host and query. What stands before a colon is a scheme. */
const uriShape =
  /^(?:([a-z][a-z0-9+.-]*):|(?![^/?#]*:))(?:\/\/(?:[^@/?#[\]]*@)?(\[[^\]]*\]|[^:/?#[\]]*)(?::\d*)?)?[^?#[\]]*(?:\?([^#]*))?(?:#.*)?$/i;

/** A URI without a host is of this machine; but a socket there may be that of another daemon. Throws VirError. */
function isLocal(uri: string): boolean {
  const match = uriShape.exec(uri);
  if (match === null) throw VirError.of(ErrorCode.internalError, ErrorDomain.uri, `Unable to parse URI ${uri}`);
  const [, scheme = "", host = "", query = ""] = match;
  if (host !== "") return host.startsWith("localhost");
  const isSocket = query.split(/[&;]/).some((part) => /^socket(=|$)/.test(part));
  return !(scheme.endsWith("+unix") && isSocket);
}

/** Until the server is asked once more to abort a job that it has not begun. */
const againMs = 100;

/**
 * Makes a call that is a job, which is aborted when that is wished: the call itself says then what has come of it. A server
 * refuses to abort what it has not begun yet: it is asked again as long as the call goes on.
 */
async function asJob<T>(domain: Domain, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  let isOver = false;
  let working: Promise<T> | undefined;
  const abort = async (): Promise<void> => {
    while (!isOver && !(await isAborted(domain)))
      await domain.connection.waitBriefly(working === undefined ? [] : [working], againMs);
  };
  const onAbort = (): void => void abort();
  signal?.addEventListener("abort", onAbort);
  try {
    signal?.throwIfAborted();
    working = work();
    return await working;
  } finally {
    isOver = true;
    signal?.removeEventListener("abort", onAbort);
  }
}

async function isAborted(domain: Domain): Promise<boolean> {
  return domain.abortJob().then(
    () => true,
    () => false,
  );
}

function refuseUnmanaged(flags: number): void {
  if (has(flags, "nonSharedDisk") && has(flags, "nonSharedInc"))
    throw invalid("Flags 'VIR_MIGRATE_NON_SHARED_DISK' and 'VIR_MIGRATE_NON_SHARED_INC' are mutually exclusive");
  if (has(flags, "peer2peer")) throw invalid("use virDomainMigrateToURI3 for peer-to-peer migration");
  if (has(flags, "tunnelled")) throw invalid("cannot perform tunnelled migration without using peer2peer flag");
}

async function refuseUnsupported(
  source: Connection,
  destination: Connection,
  flags: number,
  limit: Limit,
): Promise<void> {
  if (has(flags, "offline")) {
    await refuseOffline(source, "source", limit);
    await refuseOffline(destination, "destination", limit);
  }
  if (has(flags, "changeProtection") && !(await source.supportsFeature(Feature.migrateChangeProtection, limit)))
    throw unsupportedArgument("cannot enforce change protection");
  for (const side of [source, destination])
    if (!(await side.supportsFeature(Feature.migrationParams, limit))) throw unsupported("virDomainMigrate3");
}

async function refuseOffline(side: Connection, name: "source" | "destination", limit: Limit): Promise<void> {
  if (await side.supportsFeature(Feature.migrationOffline, limit)) return;
  throw unsupportedArgument(`offline migration is not supported by the ${name} host`);
}

function invalid(message: string): VirError {
  return new VirError(message, { code: ErrorCode.invalidArg, domain: ErrorDomain.none });
}

function unsupportedArgument(detail: string): VirError {
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.none, detail);
}

function unsupported(name: string): VirError {
  return VirError.of(ErrorCode.noSupport, ErrorDomain.none, name);
}
