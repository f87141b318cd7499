import { Lifecycle } from "../../../src/protocol/index.ts";

/** A domain as it has to be. Generations are numbers that are in a definition's description. */
export interface GuestState {
  readonly name: string;
  /** Of the definition in use. */
  readonly generation: number;
  /** Of the one that takes its place at the end of the run. */
  readonly next: number | undefined;
  readonly persistent: boolean;
  readonly run: "off" | "running" | "paused";
  readonly autostart: boolean;
  readonly snapshots: readonly string[];
}

/** What of that a client can see. */
export type Visible = Omit<GuestState, "next"> & { readonly inactive: number };

export type ChangeName =
  | "define"
  | "undefine"
  | "createXml"
  | "create"
  | "destroy"
  | "suspend"
  | "resume"
  | "setAutostart"
  | "rename"
  | "snapshot"
  | "deleteSnapshot";

/** One change: what there is afterwards, and what is told of it ("event/detail"). */
export interface Change {
  readonly name: ChangeName;
  /** Of its domain, from 1. */
  readonly number: number;
  /** What the domain is called before it. */
  readonly of: string;
  readonly after: GuestState | undefined;
  readonly events: readonly string[];
  /** The snapshot that it is about. */
  readonly snapshot: string;
}

export function visible(state: GuestState): Visible {
  const { next, ...rest } = state;
  return { ...rest, inactive: next ?? state.generation };
}

/** The definition of this generation; one in seven is long enough to be written in several pages. */
export function definition(name: string, uuid: string, generation: number): string {
  const filling = generation % 7 === 0 ? "x".repeat(20_000 + generation) : "";
  const text = `<description>generation ${generation} ${filling}.</description>`;
  return `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid>${text}<memory>8192</memory><os><type>hvm</type></os></domain>`;
}

/** Undefined when it is not a whole one. */
export function generationOf(xml: string): number | undefined {
  const found = /<description>generation (\d+) (x*)\.<\/description>/.exec(xml);
  if (found === null) return undefined;
  const generation = Number(found[1]);
  const length = generation % 7 === 0 ? 20_000 + generation : 0;
  return found[2]?.length === length ? generation : undefined;
}

/** What can be done to it as it is. */
export function possible(state: GuestState | undefined): ChangeName[] {
  if (state === undefined) return ["define", "define", "createXml"];
  const names: ChangeName[] = ["define", "snapshot"];
  if (state.persistent) names.push("undefine", "setAutostart");
  if (state.snapshots.length > 0) names.push("deleteSnapshot");
  if (state.run === "off") names.push("create", "create", "rename");
  else names.push("destroy", state.run === "running" ? "suspend" : "resume");
  return names;
}

export function changeOf(name: ChangeName, number: number, home: string, state: GuestState | undefined): Change {
  const of = state?.name ?? home;
  const { after, events } = state === undefined ? begun(name, number, home) : changes[name](state, number, home);
  const snapshot = name === "deleteSnapshot" ? (state?.snapshots.at(-1) ?? "") : `s${number}`;
  return { name, number, of, after, events, snapshot };
}

interface Effect {
  readonly after: GuestState | undefined;
  readonly events: readonly string[];
}

const told = {
  added: text(Lifecycle.defined.event, Lifecycle.defined.detail.added),
  updated: text(Lifecycle.defined.event, Lifecycle.defined.detail.updated),
  renamed: text(Lifecycle.defined.event, Lifecycle.defined.detail.renamed),
  undefined: text(Lifecycle.undefined.event, Lifecycle.undefined.detail.removed),
  undefinedByRenaming: text(Lifecycle.undefined.event, Lifecycle.undefined.detail.renamed),
  started: text(Lifecycle.started.event, Lifecycle.started.detail.booted),
  stopped: text(Lifecycle.stopped.event, Lifecycle.stopped.detail.destroyed),
  suspended: text(Lifecycle.suspended.event, Lifecycle.suspended.detail.paused),
  resumed: text(Lifecycle.resumed.event, Lifecycle.resumed.detail.unpaused),
};

function begun(name: ChangeName, generation: number, home: string): Effect {
  const persistent = name === "define";
  const after: GuestState = {
    name: home,
    generation,
    next: undefined,
    persistent,
    run: persistent ? "off" : "running",
    autostart: false,
    snapshots: [],
  };
  return { after, events: [persistent ? told.added : told.started] };
}

type Rule = (state: GuestState, number: number, home: string) => Effect;

const changes: Readonly<Record<ChangeName, Rule>> = {
  define: (state, number) => {
    const isOff = state.run === "off";
    const definitions = isOff ? { generation: number } : { next: number };
    const isUpdate = isOff || state.next !== undefined;
    return { after: { ...state, ...definitions, persistent: true }, events: [isUpdate ? told.updated : told.added] };
  },
  createXml: () => {
    throw new RangeError("there is one already");
  },
  undefine: (state) => ({
    after: state.run === "off" ? undefined : { ...state, persistent: false },
    events: [told.undefined],
  }),
  create: (state) => ({
    after: { ...state, run: "running", next: state.next ?? state.generation },
    events: [told.started],
  }),
  destroy: (state) => ({
    after: state.persistent
      ? { ...state, run: "off", generation: state.next ?? state.generation, next: undefined }
      : undefined,
    events: [told.stopped],
  }),
  suspend: (state) => ({ after: { ...state, run: "paused" }, events: [told.suspended] }),
  resume: (state) => ({ after: { ...state, run: "running" }, events: [told.resumed] }),
  setAutostart: (state) => ({ after: { ...state, autostart: !state.autostart }, events: [] }),
  rename: (state, _, home) => ({
    after: { ...state, name: state.name === home ? `${home}-renamed` : home },
    events: [told.undefinedByRenaming, told.renamed],
  }),
  snapshot: (state, number) => ({ after: { ...state, snapshots: [...state.snapshots, `s${number}`] }, events: [] }),
  deleteSnapshot: (state) => ({ after: { ...state, snapshots: state.snapshots.slice(0, -1) }, events: [] }),
};

/** The same once more, after it has happened; undefined where that is refused. */
export function again(change: Change, home: string): Change | undefined {
  const { name, number, after } = change;
  if (name === "define") return changeOf("define", number, home, after);
  if (name === "setAutostart" || (name === "undefine" && after !== undefined)) return change;
  return undefined;
}

export function text(event: number, detail: number): string {
  return `${event}/${detail}`;
}
