import { ErrorCode, VirError, type Domain as WireDomain } from "../protocol/index.ts";
import type { Change, Gap, LifecycleEvent } from "./event-types.ts";
import { type Domain, type DomainStatus, statusOf } from "./objects.ts";
import type { Session } from "./session.ts";
import type { Wrap } from "./values.ts";

type State = DomainStatus["state"];

/** What domains were last known to do, so that it can be said what is different behind a gap. */
export class StateBook {
  readonly #wrap: Wrap;
  #known = new Map<string, { readonly dom: WireDomain; readonly state: State }>();

  constructor(wrap: Wrap) {
    this.#wrap = wrap;
  }

  /** Learns what there is: of all domains, or of one. */
  async read(session: Session, dom?: WireDomain): Promise<void> {
    const { domains } =
      dom === undefined ? await session.call.connectListAllDomains({ needResults: 1, flags: 0 }) : { domains: [dom] };
    const found = await Promise.all(domains.map((each) => stateOf(session, each)));
    this.#known = new Map(
      domains.flatMap((each, index) => {
        const state = found[index];
        return state === undefined ? [] : [[each.uuid, { dom: each, state }]];
      }),
    );
  }

  /** Learns anew, and says what has changed. */
  async gap(session: Session, cause: unknown, dom?: WireDomain): Promise<Gap> {
    const before = this.#known;
    await this.read(session, dom);
    const after = this.#known;
    const changes: Change[] = [];
    for (const [uuid, { dom: each }] of new Map([...before, ...after])) {
      const [was, is] = [before.get(uuid)?.state, after.get(uuid)?.state];
      if (was !== is) changes.push({ domain: this.#wrap("domain", { ...each }) as Domain, before: was, after: is });
    }
    return { name: "gap", cause, missing: undefined, changes };
  }

  /** Follows an event. */
  note({ domain, event }: LifecycleEvent): void {
    const { name, uuid, id } = domain;
    const state = this.#stateAfter(uuid, event);
    if (state === undefined) this.#known.delete(uuid);
    else this.#known.set(uuid, { dom: { name, uuid, id }, state });
  }

  #stateAfter(uuid: string, event: LifecycleEvent["event"]): State | undefined {
    const before = this.#known.get(uuid)?.state;
    switch (event) {
      case "started":
      case "resumed":
        return "running";
      case "suspended":
        return "paused";
      case "stopped":
        return "shutoff";
      case "pmsuspended":
      case "crashed":
        return event;
      case "defined":
        return before ?? "shutoff";
      // A domain that runs goes on without its definition.
      case "undefined":
        return before === "shutoff" ? undefined : before;
      case "shutdown":
        return before;
    }
  }
}

/** undefined: it has gone meanwhile. */
async function stateOf(session: Session, dom: WireDomain): Promise<State | undefined> {
  try {
    return statusOf(await session.call.domainGetState({ dom, flags: 0 })).state;
  } catch (error) {
    if (error instanceof VirError && error.code === ErrorCode.noDomain) return undefined;
    throw error;
  }
}
