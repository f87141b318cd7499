import type { Definition, Domain, Incarnation } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Element } from "../../xml/index.ts";
import { arrangeDomain } from "../domain-places.ts";
import type { DomainTurns, Patience } from "../domain-turns.ts";
import { notRunning } from "./errors.ts";
import type { Run } from "./run.ts";

/** Bits of virDomainModificationImpact; neither means the run if there is one, else the definition. */
export const affect = { live: 1, config: 2 };
const both = affect.live | affect.config;

/** What a call is to look at or to change: the run, the persistent definition, or both. */
export interface Targets {
  readonly live: Definition | undefined;
  readonly config: Definition | undefined;
}

/** Throws VirError when there is none of what `flags` ask for. */
export function targetsOf({ incarnation, definition, persistent }: Domain, flags: number): Targets {
  const wanted = (flags & both) !== 0 ? flags & both : incarnation !== undefined ? affect.live : affect.config;
  const wantsLive = (wanted & affect.live) !== 0;
  const wantsConfig = (wanted & affect.config) !== 0;
  if (wantsLive && incarnation === undefined) throw notRunning();
  if (wantsConfig && persistent === undefined) throw transient();
  return { live: wantsLive ? definition : undefined, config: wantsConfig ? persistent : undefined };
}

/** The one definition that `flags` choose, and the run when it is the run's. Throws VirError, also for both flags. */
export function soleTarget(domain: Domain, flags: number): { definition: Definition; isLive: boolean } {
  if ((flags & both) === both) throw exclusive();
  return target(domain, flags);
}

/** As `soleTarget`; of both flags the live one counts. */
export function target(domain: Domain, flags: number): { definition: Definition; isLive: boolean } {
  const { live, config } = targetsOf(domain, flags);
  const definition = live ?? config;
  if (definition === undefined) throw transient();
  return { definition, isLive: live !== undefined };
}

/** A driver's run of a domain, as far as a change needs it. */
interface ChangingRun {
  readonly incarnation: Incarnation;
  describe(definition: Definition): void;
}

interface ChangingGuests<R> extends Pick<DomainTurns, "exclusively" | "checkExists" | "timeLeft" | "keep"> {
  runOf(domain: Domain): R | undefined;
}

/** A change of a domain under its job. */
export interface Change<R extends ChangingRun = Run> {
  readonly domain: Domain;
  /** Present when the run is to be changed. */
  readonly run: R | undefined;
  /** As they were when the job began. */
  readonly targets: Targets;
  /** For what is asked of the hypervisor. */
  readonly timeoutMs: number;
  /** Writes down what the run is like now; nothing when that run is over. */
  describe(edit: (root: Element) => void): void;
  /** Writes the persistent definition, the disk first. */
  keep(edit: (root: Element) => void): Promise<void>;
  /** Both of these, as far as they are targets. Nothing is changed when `edit` throws. */
  editAll(edit: (root: Element) => void): Promise<void>;
}

/** Runs `body` under the domain's job with what `flags` ask for. Rejects with VirError. */
export function modify<T, R extends ChangingRun>(
  guests: ChangingGuests<R>,
  domain: Domain,
  flags: number,
  operation: string,
  patience: Patience,
  body: (change: Change<R>) => Promise<T> | T,
): Promise<T> {
  const meant = domain.incarnation;
  return guests.exclusively(domain, operation, patience, async () => {
    guests.checkExists(domain);
    const targets = targetsOf(domain, flags);
    const run = targets.live === undefined ? undefined : guests.runOf(domain);
    // The run that the caller had seen, not the one after it.
    if (run !== undefined && meant !== undefined && run.incarnation !== meant) throw notRunning();
    return body(changeOf(guests, domain, run, targets, guests.timeLeft(patience)));
  });
}

function changeOf<R extends ChangingRun>(
  guests: ChangingGuests<R>,
  domain: Domain,
  run: R | undefined,
  targets: Targets,
  timeoutMs: number,
): Change<R> {
  const describe = (edit: (root: Element) => void): void => {
    if (run === undefined || domain.incarnation !== run.incarnation || domain.definition === undefined) return;
    run.describe(changed(domain.definition, edit));
  };
  const keep = async (edit: (root: Element) => void): Promise<void> => {
    if (domain.persistent !== undefined) await guests.keep(domain, changed(domain.persistent, edit));
  };
  const editAll = async (edit: (root: Element) => void): Promise<void> => {
    for (const each of [targets.live, targets.config]) if (each !== undefined) changed(each, edit);
    if (targets.config !== undefined) await keep(edit);
    if (targets.live !== undefined) describe(edit);
  };
  return { domain, run, targets, timeoutMs, describe, keep, editAll };
}

/** Another definition, with what is new in libvirt's places. */
export function changed(definition: Definition, edit: (root: Element) => void): Definition {
  return definition.with((root) => {
    edit(root);
    arrangeDomain(root);
  });
}

function transient(): VirError {
  const detail = "transient domains do not have any persistent config";
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, detail);
}

function exclusive(): VirError {
  const complaint = "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive";
  return VirError.wrongArgument(complaint, ErrorDomain.domain, "virDomainObjGetOneDefState", "flags");
}
