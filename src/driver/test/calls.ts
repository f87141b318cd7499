import type { AsyncWork } from "../../model/index.ts";
import { allowsReadOnly, type Call, driverProcedures, type Table } from "../../protocol/index.ts";
import type { CallContext, DriverProcedures } from "../driver.ts";
import { internal } from "./failure.ts";
import type { CallFault, Faults } from "./faults.ts";
import type { Jobs } from "./jobs.ts";

export interface CallsOptions {
  readonly jobs: Jobs;
  readonly faults: Faults;
  /** After a change: resolves when it is on disk; undefined where nothing is kept. */
  readonly settle: (uuids: readonly string[]) => Promise<void> | undefined;
  /** A fault ends the hypervisor. */
  readonly onDeath: () => void;
}

type Handler = (args: unknown, context: CallContext) => unknown;

/**
 * What stands between a call and its handler: the faults of the simulator, the order of changes of one domain while one
 * of them takes time (one that takes long is a job to be asked about and aborted), and that a change is kept before it is confirmed. A call without all that goes straight through.
 *
 *     alive -> dead
 *
 * end: alive -> dead; every call fails from here on.
 */
export class Calls {
  readonly #options: CallsOptions;
  #isDead = false;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  end(): void {
    this.#isDead = true;
  }

  /** The handlers with all that around them. */
  around(procedures: DriverProcedures): DriverProcedures {
    const guarded: Record<string, Handler> = {};
    for (const [name, handler] of Object.entries(procedures)) guarded[name] = this.#guard(name, handler as Handler);
    return guarded as DriverProcedures;
  }

  #guard(name: string, handler: Handler): Handler {
    const row = (driverProcedures as Table)[name];
    const isChange = row?.kind === "call" && isChanging(row);
    return (args, context) => {
      if (this.#isDead) throw died();
      const uuid = domainOf(args);
      const fault = this.#options.faults.forCall(name, uuid);
      const waits = fault !== undefined || (isChange && uuid !== undefined && this.#options.jobs.has(uuid));
      const handle = (): unknown => handler(args, context);
      const result = waits ? this.#take(name, isChange ? uuid : undefined, fault, handle, context) : handle();
      return isChange ? this.#keep(uuid, result) : result;
    };
  }

  /** A change waits for those of its domain that came before it. */
  async #take(
    operation: string,
    uuid: string | undefined,
    fault: CallFault | undefined,
    handle: () => unknown,
    context: CallContext,
  ): Promise<unknown> {
    const { jobs, faults } = this.#options;
    const manner = uuid === undefined ? "at once" : jobs.mannerOf(operation, uuid);
    const body = async (work?: AsyncWork): Promise<unknown> => {
      if (fault?.fault.kind === "die") this.#options.onDeath();
      else if (fault !== undefined) await faults.suffer(fault, operation, untilAborted(context, work));
      if (this.#isDead) throw died();
      const result = handle();
      if (manner === "destroy" && uuid !== undefined) jobs.endRun(uuid);
      return result;
    };
    if (uuid === undefined || manner === "at once") return body();
    const request = { operation, deadline: context.deadline, signal: context.signal };
    return jobs.within(uuid, (queue) => {
      if (manner !== "async") return queue.run({ ...request, kind: manner }, () => body());
      const durationMs = fault?.fault.kind === "delay" ? fault.fault.delayMs : undefined;
      return queue.run({ ...request, kind: manner }, (work) => jobs.show(uuid, work, durationMs, () => body(work)));
    });
  }

  #keep(uuid: string | undefined, result: unknown): unknown {
    if (result instanceof Promise) return result.then((value: unknown) => this.#keep(uuid, value));
    const other = domainOf(result);
    const kept = this.#options.settle([uuid, other].filter((each) => each !== undefined));
    return kept === undefined ? result : kept.then(() => result);
  }
}

/** The same call, given up as well when its job is aborted. */
function untilAborted(context: CallContext, work: AsyncWork | undefined): CallContext {
  return work === undefined ? context : { ...context, signal: AbortSignal.any([context.signal, work.signal]) };
}

function isChanging({ readOnly, acl }: Call): boolean {
  return !allowsReadOnly(readOnly, { flags: 0 }) || acl.includes("write");
}

/** The uuid of the domain that a call's arguments or its result are about. */
function domainOf(value: unknown): string | undefined {
  const { dom, snap, checkpoint } = (value ?? {}) as About;
  return (dom ?? snap?.dom ?? checkpoint?.dom)?.uuid;
}

interface Reference {
  readonly uuid: string;
}

interface About {
  readonly dom?: Reference | null;
  readonly snap?: { readonly dom: Reference } | null;
  readonly checkpoint?: { readonly dom: Reference } | null;
}

function died(): Error {
  return internal("the simulated hypervisor has died");
}
