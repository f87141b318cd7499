import { Ready } from "../../src/event/index.ts";
import type { Callbacks, Subject } from "./model-commands.ts";

interface Watch {
  readonly kind: "watch";
  readonly id: number;
  readonly file: number;
  interest: number;
  alive: boolean;
}

interface Timeout {
  readonly kind: "timeout";
  readonly id: number;
  readonly every: number | undefined;
  /** undefined: not armed. */
  deadline: number | undefined;
  /** When it was armed, in relation to others. */
  armed: number;
  due: boolean;
  firing: boolean;
  /** What was asked for during the callback; undefined for nothing. */
  wish: { readonly deadline: number | undefined } | undefined;
  alive: boolean;
}

/** The rules of the loop, as plainly as they can be said: no tokens, no queue, no wakeups; lists that are searched. */
export class ReferenceLoop implements Subject {
  readonly #callbacks: Callbacks;
  readonly #registrations: (Watch | Timeout)[] = [];
  readonly #files: { open: boolean; ready: number }[] = [];
  #posts: number[] = [];
  #retired: number[] = [];
  #arms = 0;
  #now = 0;

  constructor(callbacks: Callbacks) {
    this.#callbacks = callbacks;
  }

  get count(): number {
    return this.#registrations.length;
  }

  open(): void {
    this.#files.push({ open: true, ready: Ready.none });
  }

  close(file: number): void {
    for (const each of this.#nth(file)) each.open = false;
  }

  arrive(file: number, ready: number): void {
    for (const each of this.#nth(file)) each.ready |= ready;
  }

  watch(file: number, interest: number): void {
    if (this.#files[file]?.open)
      this.#registrations.push({ kind: "watch", id: this.count, file, interest, alive: true });
  }

  timeout(delay: number | "never", every: number | undefined): void {
    const fresh = { deadline: undefined, armed: 0, due: false, firing: false, wish: undefined, alive: true };
    const timeout: Timeout = { kind: "timeout", id: this.count, every, ...fresh };
    this.#registrations.push(timeout);
    this.#arm(timeout, this.#at(delay));
  }

  modifyWatch(id: number, interest: number): void {
    const watch = this.#registrations[id];
    if (watch?.kind === "watch") watch.interest = interest;
  }

  modifyTimeout(id: number, delay: number | "never"): void {
    const timeout = this.#registrations[id];
    if (timeout?.kind !== "timeout" || !timeout.alive) return;
    if (timeout.firing) timeout.wish = { deadline: this.#at(delay) };
    else this.#arm(timeout, this.#at(delay));
  }

  remove(id: number): void {
    const registration = this.#registrations[id];
    if (registration?.alive !== true) return;
    registration.alive = false;
    if (registration.kind === "watch" || !registration.firing) this.#retired.push(id);
  }

  post(job: number): void {
    this.#posts.push(job);
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    this.run();
    for (let next = this.#nearest(); next <= until; next = this.#nearest()) {
      this.#now = Math.max(this.#now, next);
      this.run();
    }
    this.#now = until;
  }

  run(): void {
    while (this.#turn());
  }

  #turn(): boolean {
    const polled = this.#watches.filter((watch) => this.#ready(watch) !== Ready.none);
    const results = polled.map((watch) => ({ watch, ready: this.#ready(watch) }));
    const due = this.#timeouts.filter(({ deadline = Infinity }) => deadline <= this.#now).sort(byDeadline);
    const posts = this.#posts.splice(0);
    const busy = results.length + due.length + posts.length + this.#retired.length > 0;
    for (const timeout of due) timeout.due = true;
    for (const job of posts) this.#callbacks.job(job);
    for (const timeout of due) if (timeout.due && timeout.alive) this.#fire(timeout);
    for (const { watch, ready } of results) this.#deliver(watch, ready);
    for (const id of this.#retired.splice(0)) this.#callbacks.released(id);
    return busy;
  }

  #fire(timeout: Timeout): void {
    const last = timeout.deadline ?? 0;
    Object.assign(timeout, { deadline: undefined, due: false, firing: true, wish: undefined });
    this.#callbacks.fired(timeout.id);
    timeout.firing = false;
    if (!timeout.alive) this.#retired.push(timeout.id);
    else if (timeout.wish !== undefined) this.#arm(timeout, timeout.wish.deadline);
    else if (timeout.every === undefined) this.remove(timeout.id);
    else this.#arm(timeout, last + timeout.every > this.#now ? last + timeout.every : this.#now + timeout.every);
  }

  #deliver(watch: Watch, ready: number): void {
    const wanted = ready & (watch.interest | Ready.error | Ready.hangup);
    if (!watch.alive || watch.interest === Ready.none || wanted === Ready.none) return;
    for (const each of this.#nth(watch.file)) each.ready = Ready.none;
    this.#callbacks.ready(watch.id, wanted);
  }

  #arm(timeout: Timeout, deadline: number | undefined): void {
    Object.assign(timeout, { deadline, armed: ++this.#arms, due: false });
  }

  #at(delay: number | "never"): number | undefined {
    return delay === "never" ? undefined : this.#now + delay;
  }

  #ready({ file, interest }: Watch): number {
    const { open = false, ready = Ready.none } = this.#files[file] ?? {};
    return open && interest !== Ready.none ? ready & (interest | Ready.error | Ready.hangup) : Ready.none;
  }

  #nearest(): number {
    return Math.min(...this.#timeouts.map(({ deadline = Infinity }) => deadline), Infinity);
  }

  get #watches(): Watch[] {
    return this.#registrations.filter((each) => each.kind === "watch" && each.alive) as Watch[];
  }

  get #timeouts(): Timeout[] {
    return this.#registrations.filter((each) => each.kind === "timeout" && each.alive) as Timeout[];
  }

  #nth(file: number): { open: boolean; ready: number }[] {
    return this.#files.slice(file, file + 1);
  }
}

function byDeadline(a: Timeout, b: Timeout): number {
  return (a.deadline ?? 0) - (b.deadline ?? 0) || a.armed - b.armed;
}
