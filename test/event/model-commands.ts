import fc from "fast-check";
import { Ready } from "../../src/event/index.ts";

/** What the loop under test and its reference both do. Files and registrations are numbered as they come. */
export interface Subject {
  /** How many registrations have been made. */
  readonly count: number;
  open(): void;
  close(file: number): void;
  arrive(file: number, ready: number): void;
  /** Nothing when the file is closed. */
  watch(file: number, interest: number): void;
  timeout(delay: number | "never", every: number | undefined): void;
  modifyWatch(id: number, interest: number): void;
  modifyTimeout(id: number, delay: number | "never"): void;
  remove(id: number): void;
  post(job: number): void;
  advance(ms: number): void;
  /** Turns until nothing is left to do. */
  run(): void;
}

/** What both tell of. A watch's callback has already read its file empty. */
export interface Callbacks {
  job(job: number): void;
  fired(id: number): void;
  ready(id: number, ready: number): void;
  released(id: number): void;
}

export const files = 3;

export type Command = (subject: Subject) => void;

const file = fc.nat({ max: files - 1 });
const interest = fc.constantFrom(Ready.none, Ready.readable, Ready.writable, Ready.readable | Ready.writable);
const ready = fc.constantFrom(Ready.readable, Ready.writable, Ready.readable | Ready.hangup, Ready.error);
const delay = fc.constantFrom(0, 5, 10, -5, "never" as const);
const which = fc.nat();

function described(text: string, command: Command): Command {
  return Object.assign(command, { toString: () => text, [fc.toStringMethod]: () => text });
}

/** Does something to one of the registrations made so far. */
function toOne(text: string, number: number, act: (subject: Subject, id: number) => void): Command {
  return described(`${text} of ${number}`, (subject) => {
    if (subject.count > 0) act(subject, number % subject.count);
  });
}

/** What callbacks may do too. */
export const action: fc.Arbitrary<Command> = fc.oneof(
  fc.tuple(file, interest).map(([f, i]) => described(`watch(${f}, ${i})`, (subject) => subject.watch(f, i))),
  fc
    .tuple(delay, fc.constantFrom(undefined, 5, 7))
    .map(([d, every]) => described(`timeout(${d}, ${every})`, (subject) => subject.timeout(d, every))),
  which.map((n) => toOne("remove", n, (subject, id) => subject.remove(id))),
  fc.tuple(which, interest).map(([n, i]) => toOne(`modify ${i}`, n, (subject, id) => subject.modifyWatch(id, i))),
  fc.tuple(which, delay).map(([n, d]) => toOne(`modify ${d}`, n, (subject, id) => subject.modifyTimeout(id, d))),
  file.map((f) => described(`reopen(${f})`, (subject) => (subject.close(f), subject.open()))),
  fc.tuple(file, ready).map(([f, r]) => described(`arrive(${f}, ${r})`, (subject) => subject.arrive(f, r))),
  fc.nat({ max: 9 }).map((job) => described(`post(${job})`, (subject) => subject.post(job))),
);

/** What only the world outside does. */
export const event: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: action },
  {
    weight: 1,
    arbitrary: fc.nat({ max: 20 }).map((ms) => described(`advance(${ms})`, (subject) => subject.advance(ms))),
  },
  { weight: 1, arbitrary: fc.constant(described("run()", (subject) => subject.run())) },
);
