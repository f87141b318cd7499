import type { CallContext, DriverProcedures } from "../../driver/driver.ts";
import { ErrorCode, ErrorDomain, listLimit, VirError } from "../../protocol/index.ts";
import type { Pause } from "../../xml/index.ts";
import type { Log } from "../log.ts";
import { describePrincipal, type Principal } from "../principal.ts";
import type { Route } from "../route.ts";
import { tagPermission } from "./access-rules.ts";
import { aclOf, type Demand, demandsOf, secondDemandOf } from "./demands.ts";
import { anything, type Judge, type JudgedHypervisor, type Target, type Verdict } from "./judge.ts";
import { KnownTags } from "./known-tags.ts";
import { calledIn, listedName, listedUuid, namedObject, poolName, uuidOf } from "./object-names.ts";
import { hasTags, mayChangeTags, tagChangeOf } from "./tag-changes.ts";

type Fields = Readonly<Record<string, unknown>>;
type AdmitTags = NonNullable<CallContext["admitTags"]>;
type Handle = (args: Fields, admitTags?: AdmitTags) => unknown;

/** A call before its handler. */
export interface Guarded {
  readonly route: Route;
  readonly args: Fields;
  readonly principal: Principal;
  /** One without procedures while none is open, and for what the daemon answers itself. */
  readonly hypervisor: JudgedHypervisor;
  readonly context: CallContext;
  /** Throws when, meanwhile, nobody waits any more. */
  readonly checkWanted: () => void;
}

export interface AccessGateOptions {
  readonly judge: Judge;
  readonly log: Log;
  readonly pause: Pause;
}

/** Calls of our own program whose answers tell of all domains at once, and cannot be thinned out. */
const untold: ReadonlySet<string> = new Set(["snapshot", "eventsOpen"]);

/** Lets calls through that its judge allows, and of lists what their caller may know of. */
export class AccessGate {
  readonly #options: AccessGateOptions;
  readonly #tags = new KnownTags();
  readonly #knowsTags: boolean;

  constructor(options: AccessGateOptions) {
    this.#options = options;
    this.#knowsTags = options.judge.knowsTags;
  }

  /** What the handler returns, as far as the caller may see it. Throws or rejects with VirError (accessDenied). */
  run(call: Guarded, handle: Handle): unknown {
    const { args, route } = call;
    const { demands, filter } = demandsOf(aclOf(route.name, route.row?.acl ?? "none"), args);
    const objects = demands.filter(({ kind }) => kind !== "connect");
    const forConnection = demands.filter(({ kind }) => kind === "connect");
    const checked = this.#checkAll(call, forConnection);
    if (checked !== undefined)
      return checked.then(() => {
        call.checkWanted();
        return this.#runChecked(call, objects, filter, handle);
      });
    return this.#runChecked(call, objects, filter, handle);
  }

  #runChecked(call: Guarded, objects: readonly Demand[], filter: Demand | undefined, handle: Handle): unknown {
    const { args, route, principal } = call;
    const [object] = objects;
    if (object !== undefined && objects.length === 1 && isLookup(route)) return this.#find(call, object, handle);
    const { judge } = this.#options;
    const mayDoToAll = (permission: string): boolean => judge.decideOfAll(principal, permission)?.allowed === true;
    const isFree = objects.every(({ permission }) => mayDoToAll(permission));
    const list = filter === undefined || mayDoToAll(filter.permission) ? undefined : filter;
    const asksForTags = this.#knowsTags && mayChangeTags(route.name, args) && !mayDoToAll(tagPermission);
    // Whoever may do it to all objects need not be asked which it is.
    if (isFree && list === undefined && !isAboutTwo(route) && !asksForTags) return handle(args);
    return this.#runSlowly(call, objects, list, handle);
  }

  /** Whether somebody may hear of an object of that hypervisor. */
  sees(
    principal: Principal,
    kind: string,
    object: Parameters<typeof listedName>[1],
    hypervisor: JudgedHypervisor,
  ): boolean | Promise<boolean> {
    const target = this.#target(hypervisor, kind, listedName(kind, object), object.uuid);
    const verdict = this.#options.judge.decide(principal, `${kind}:getattr`, target, hypervisor);
    return verdict instanceof Promise ? verdict.then(({ allowed }) => allowed) : verdict.allowed;
  }

  /** As `sees`, for who hears of all: nothing, where each would have to be asked about. */
  seesUnasked(...[principal, kind, object, hypervisor]: Parameters<AccessGate["sees"]>): boolean {
    const ofAll = this.#options.judge.decideOfAll(principal, `${kind}:getattr`);
    return ofAll !== undefined && (ofAll.allowed || this.sees(principal, kind, object, hypervisor) === true);
  }

  /** Undefined when it was done at once. */
  #checkAll(call: Guarded, demands: readonly Demand[]): Promise<void> | undefined {
    for (const [index, demand] of demands.entries()) {
      const checked = this.#check(call, demand, connection);
      if (checked !== undefined) return checked.then(() => this.#checkAll(call, demands.slice(index + 1)));
    }
    return undefined;
  }

  async #runSlowly(
    call: Guarded,
    objects: readonly Demand[],
    list: Demand | undefined,
    handle: Handle,
  ): Promise<unknown> {
    const { args, route, hypervisor, context, checkWanted } = call;
    const { procedures } = hypervisor;
    const { pause } = this.#options;
    if (list !== undefined && untold.has(route.name)) this.#checkOfAll(call, list, "it tells of all domains at once");
    const change =
      this.#knowsTags && mayChangeTags(route.name, args)
        ? await tagChangeOf({ call: route.name, args, hypervisor, procedures, context, pause })
        : undefined;
    let target = anything;
    for (const demand of objects) {
      const { name, uuid } = await calledIn(demand.kind, args, { procedures, context, pause });
      target =
        change === undefined
          ? this.#target(hypervisor, demand.kind, name, uuid)
          : { ...change, kind: demand.kind, name, uuid };
      await this.#check(call, demand, target);
      // With its new name a domain may fall under other rules.
      const { newName } = args;
      if (route.name === "domainRename" && typeof newName === "string")
        await this.#check(call, demand, { ...target, name: newName });
    }
    if (change?.isChange === true) await this.#check(call, changingTags, target);
    const second = secondDemandOf(route.name);
    if (second !== undefined) {
      const other = args[second.argument] as Parameters<typeof listedName>[1];
      const uuid = await uuidOf(second.kind, other, { procedures, context });
      await this.#check(call, second, { kind: second.kind, name: listedName(second.kind, other), uuid, tags: [] });
    }
    const admitTags = change?.isChange === "unseen" ? await this.#admission(call, target) : undefined;
    checkWanted();
    return list === undefined || untold.has(route.name) ? handle(args, admitTags) : this.#list(call, list, handle);
  }

  /** What the handler asks when it comes to the tags: before that anything may become of what it takes them from. */
  async #admission(call: Guarded, target: Target): Promise<AdmitTags> {
    const { principal, hypervisor, context } = call;
    const verdict = await this.#options.judge.decide(principal, tagPermission, target, hypervisor, context);
    return (tags) => {
      if (!hasTags(call, tags)) this.#obey(verdict, call, changingTags, target);
    };
  }

  /** Only the answer tells which object it is. */
  async #find(call: Guarded, demand: Demand, handle: Handle): Promise<unknown> {
    const result = (await handle(call.args)) as Fields;
    const object = Object.values(result)[0] as Parameters<typeof listedName>[1];
    const name = listedName(demand.kind, object);
    const uuid = await uuidOf(demand.kind, object, { ...call.hypervisor, context: call.context });
    await this.#check(call, demand, this.#target(call.hypervisor, demand.kind, name, uuid));
    return result;
  }

  /** Where it is about one object after all, that one has to be visible; else the answer is thinned out. */
  async #list(call: Guarded, demand: Demand, handle: Handle): Promise<unknown> {
    const { route, principal, hypervisor, context } = call;
    const { procedures } = hypervisor;
    const args = await truePool(call);
    if (/Register(Any)?$/.test(route.name)) {
      const { name, uuid } = await calledIn(demand.kind, args, { procedures, context, pause: this.#options.pause });
      if (name !== undefined) await this.#check(call, demand, this.#target(hypervisor, demand.kind, name, uuid));
      return handle(args);
    }
    const uuids = demand.kind === "domain" ? await uuidsByName(call) : undefined;
    const pick: Pick = async (name, uuid) => {
      const target = this.#target(hypervisor, demand.kind, name ?? "", uuid ?? uuids?.get(name ?? ""));
      return (await this.#options.judge.decide(principal, demand.permission, target, hypervisor, context)).allowed;
    };
    const count = counted(route.name);
    if (count !== undefined) {
      type Sibling = (args: Fields, context: CallContext) => unknown;
      const sibling = procedures[count as keyof DriverProcedures] as Sibling | undefined;
      const listed = (await sibling?.(everything(args), context)) as Fields;
      return { num: (await thinned(demand.kind, args, listed ?? {}, pick)).length };
    }
    if (route.name === "connectListDomains") {
      const all = await procedures.connectListAllDomains?.({ needResults: 1, flags: 1 }, context);
      const seen = (await thinned(demand.kind, args, { ...all }, pick)) as { readonly id: number }[];
      return { ids: seen.map(({ id }) => id).slice(0, Number(args["maxids"])) };
    }
    const result = (await handle(everything(args))) as Fields;
    const [key = ""] = Object.keys(result);
    const rest = await thinned(demand.kind, args, result, pick);
    const limit = Number(args["maxnames"] ?? args["maxuuids"] ?? listLimit);
    if (!("ret" in result)) return { ...result, [key]: rest.slice(0, limit) };
    return { [key]: args["needResults"] === 0 ? [] : rest, ret: rest.length };
  }

  #target(source: JudgedHypervisor, kind: string, name: string | undefined, uuid: string | undefined): Target {
    if (!this.#knowsTags || kind !== "domain") return { kind, name, uuid, tags: [] };
    return { kind, name, uuid, tags: uuid === undefined ? undefined : this.#tags.of(source, uuid) };
  }

  /** The judge decides on each object by itself. */
  #hasToKnow({ principal }: Guarded, { permission }: Demand): boolean {
    return this.#options.judge.decideOfAll(principal, permission) === undefined;
  }

  /** A judge that has to know the object would answer a question without one as if it were harmless. */
  #checkOfAll(call: Guarded, demand: Demand, why: string): void {
    const { route, principal } = call;
    const reason = `its rules, which are about single objects: ${route.name} is for those who may do everything, as ${why}`;
    const verdict = this.#options.judge.decideOfAll(principal, demand.permission);
    this.#obey(verdict ?? { allowed: false, reason }, call, demand, anything);
  }

  /** Undefined when it was done at once. */
  #check(call: Guarded, demand: Demand, target: Target): Promise<void> | undefined {
    if (demand.kind !== "connect" && (target.name ?? "") === "" && this.#hasToKnow(call, demand))
      this.#checkOfAll(call, demand, "it does not say which object it is about");
    const verdict = this.#options.judge.decide(
      call.principal,
      demand.permission,
      target,
      call.hypervisor,
      call.context,
    );
    if (verdict instanceof Promise) return verdict.then((given) => this.#obey(given, call, demand, target));
    this.#obey(verdict, call, demand, target);
    return undefined;
  }

  #obey(
    { allowed, reason }: Verdict,
    { principal, route, args }: Guarded,
    { permission }: Demand,
    target: Target,
  ): void {
    if (allowed) return;
    const { judge } = this.#options;
    const { name } = target;
    const object = name === undefined || name === "" ? "" : ` on '${name}'`;
    const message = `${describePrincipal(principal)} was denied ${permission}${object} for ${route.name}: ${reason}`;
    this.#options.log({ level: "warn", source: "access", message });
    // A name that its caller has not said is none that they hear.
    const heard = says(args, name ?? "") ? object : "";
    const detail = `'${judge.name}' denied access: ${permission}${heard} by ${reason}`;
    throw VirError.of(ErrorCode.accessDenied, ErrorDomain.access, detail);
  }
}

/** Whom a judge has to ask takes so many questions at once, and leaves others room. */
const picksAtOnce = 4;

type Pick = (name: string | undefined, uuid: string | undefined) => Promise<boolean>;

const changingTags: Demand = { kind: "domain", permission: tagPermission };
const connection: Target = { kind: "connect", name: "", tags: [] };

/** Where only names are listed: whose tags they have. */
async function uuidsByName({
  route,
  hypervisor: { procedures },
  context,
}: Guarded): Promise<ReadonlyMap<string, string> | undefined> {
  if (!route.name.endsWith("DefinedDomains")) return undefined;
  const all = await procedures.connectListAllDomains?.({ needResults: 1, flags: 0 }, context);
  return new Map((all?.domains ?? []).map(({ name, uuid }) => [name, uuid]));
}

function says(args: Fields, name: string): boolean {
  const said = [namedObject(args), args["xml"], args["xmlDesc"], args["newName"]];
  return said.some((each) => typeof each === "string" && each.includes(name));
}

/** Which other object it is, or what it is called then, counts as well. */
function isAboutTwo({ name }: Route): boolean {
  return name === "domainRename" || secondDemandOf(name) !== undefined;
}

function isLookup({ name }: Route): boolean {
  return /LookupBy/.test(name) && !/Snapshot|Checkpoint/.test(name);
}

/** The list behind a number; a list of ids has no names to choose by. */
function counted(name: string): string | undefined {
  if (name === "connectNumOfDomains") return "connectListAllDomains";
  return name.includes("NumOf") ? name.replace("NumOf", "List") : undefined;
}

/** The same call for the whole list: what is left out would otherwise count against its limit. */
function everything(args: Fields): Fields {
  return { ...args, needResults: 1, maxnames: listLimit, maxuuids: listLimit, flags: args["flags"] ?? 1 };
}

/** Volumes are listed by the name of the pool that is meant, which need not be the one that the caller writes. */
async function truePool({ args, hypervisor: { procedures }, context }: Guarded): Promise<Fields> {
  const { pool } = args as { pool?: Parameters<typeof poolName>[0] };
  if (pool?.uuid === undefined) return args;
  return { ...args, pool: { ...pool, name: (await poolName(pool, { procedures, context })) ?? "" } };
}

async function thinned(kind: string, args: Fields, result: Fields, pick: Pick): Promise<unknown[]> {
  const listed = (Object.values(result).find((value) => Array.isArray(value)) ?? []) as unknown[];
  const { name: pool, uuid } = (args["pool"] ?? {}) as { name?: string; uuid?: string };
  const ask = (each: unknown): Promise<boolean> => {
    const isVolume = kind === "storage_vol";
    if (typeof each === "string") return isVolume ? pick(`${pool}/${each}`, uuid) : pick(each, undefined);
    return pick(listedName(kind, each as Fields), isVolume ? uuid : listedUuid(each as Fields));
  };
  const picked: boolean[] = [];
  while (picked.length < listed.length)
    picked.push(...(await Promise.all(listed.slice(picked.length, picked.length + picksAtOnce).map(ask))));
  return listed.filter((_, index) => picked[index]);
}
