import type { Loop } from "../../event/index.ts";
import { JobQueue } from "../../model/index.ts";
import { allowsReadOnly, type Call, driverProcedures, type Table } from "../../protocol/index.ts";
import type { CallContext, DriverProcedures } from "../driver.ts";
import { internal } from "./failure.ts";
import type { CallFault, Faults } from "./faults.ts";

export interface CallsOptions {
  readonly loop: Loop;
  readonly faults: Faults;
  /** After a change: resolves when it is on disk; undefined where nothing is kept. */
  readonly settle: (uuids: readonly string[]) => Promise<void> | undefined;
  /** A fault ends the hypervisor. */
  readonly onDeath: () => void;
}

type Handler = (args: unknown, context: CallContext) => unknown;

/**
 * What stands between a call and its handler: the faults of the simulator, the order of changes of one domain while one
 * of them takes time, and that a change is kept before it is confirmed. A call without all that goes straight through.
 *
 *     alive -> dead
 *
 * end: alive -> dead; every call fails from here on.
 */
export class Calls {
  readonly #options: CallsOptions;
  /** Of domains with a change that takes time. */
  readonly #queues = new Map<string, JobQueue>();
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
      const waits = fault !== undefined || (isChange && uuid !== undefined && this.#queues.has(uuid));
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
    const body = async (): Promise<unknown> => {
      if (fault?.fault.kind === "die") this.#options.onDeath();
      else if (fault !== undefined) await this.#options.faults.suffer(fault, operation, context);
      if (this.#isDead) throw died();
      return handle();
    };
    if (uuid === undefined) return body();
    const queue = this.#queues.get(uuid) ?? new JobQueue(this.#options.loop);
    this.#queues.set(uuid, queue);
    try {
      return await queue.run({ operation, deadline: context.deadline, signal: context.signal }, body);
    } finally {
      if (queue.isIdle && this.#queues.get(uuid) === queue) this.#queues.delete(uuid);
    }
  }

  #keep(uuid: string | undefined, result: unknown): unknown {
    if (result instanceof Promise) return result.then((value: unknown) => this.#keep(uuid, value));
    const other = domainOf(result);
    const kept = this.#options.settle([uuid, other].filter((each) => each !== undefined));
    return kept === undefined ? result : kept.then(() => result);
  }
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
