/** A bug put back into the core by changing a few words of its source. */
export interface Mutation {
  readonly name: string;
  /** "race 4" as docs/races.md numbers them, or "invariant 2" as ARCHITECTURE.md does. */
  readonly breaks: `${"race" | "invariant"} ${number}`;
  readonly about: string;
  readonly patches: readonly Patch[];
  /** The scenario that is known to find it. */
  readonly foundBy: string;
}

export interface Patch {
  /** A file of src/event. */
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replace: string;
}

export const mutations: readonly Mutation[] = [
  {
    name: "watch-not-compared",
    breaks: "race 1",
    about: "the pass keeps the watch that was polled instead of comparing its token when it comes to call it",
    patches: [
      {
        file: "loop.ts",
        find: "polled.push({ token, ready })",
        replace: "polled.push({ token: this.#nexus.resolve(token), ready })",
      },
      { file: "loop.ts", find: "const watch = this.#nexus.resolve(token);", replace: "const watch = token;" },
    ],
    foundBy: "watches removed in callbacks",
  },
  {
    name: "commitment-survives-removal",
    breaks: "race 2",
    about: "a timeout taken as due fires although it has been removed since",
    patches: [
      {
        file: "timeout.ts",
        find: "this.#committed = false;\n    this.keeper.timers.delete(this);",
        replace: "this.keeper.timers.delete(this);",
      },
    ],
    foundBy: "timeouts changed within a pass",
  },
  {
    name: "cookie-of-the-object",
    breaks: "race 3",
    about: "a timeout's call takes the cookie that is in the library's object now, instead of the one it was made for",
    patches: [
      {
        file: "osevent-hooks.ts",
        find: "() => this.#timeoutDue(cookie)",
        replace: "() => this.#timeoutDue(out.load())",
      },
    ],
    foundBy: "whose timeout is it",
  },
  {
    name: "cookie-reused",
    breaks: "race 3",
    about: "a slot is issued again under the same generation, so that an old cookie stands for a new registration",
    patches: [
      {
        file: "nexus.ts",
        find: "const next = generationOf(token) + 1;",
        replace: "const next = generationOf(token);",
      },
    ],
    foundBy: "a stale cookie",
  },
  {
    name: "readiness-by-number",
    breaks: "race 4",
    about: "what was polled is remembered by descriptor number and reaches whatever watches that number now",
    patches: [
      {
        file: "loop.ts",
        find: "polled.push({ token, ready })",
        replace: "polled.push({ token: this.#nexus.resolve(token)?.fd, ready })",
      },
      {
        file: "loop.ts",
        find: "const watch = this.#nexus.resolve(token);",
        replace: "const watch = [...this.#live].findLast((each) => each.fd === token && each.state === 'active');",
      },
    ],
    foundBy: "a reused descriptor number",
  },
  {
    name: "results-matched-back",
    breaks: "race 5",
    about: "results are matched to watches by number, skipping those that ask for nothing, never past the first match",
    patches: [
      {
        file: "loop.ts",
        find: "polled.push({ token, ready })",
        replace: "polled.push({ token: this.#nexus.resolve(token)?.fd, ready })",
      },
      {
        file: "loop.ts",
        find: "const watch = this.#nexus.resolve(token);",
        replace:
          "const watch = [...this.#live].find((each) => each.state === 'active' && each.fd === token && each.interest !== 0);",
      },
    ],
    foundBy: "a reused descriptor number",
  },
  {
    name: "results-by-position",
    breaks: "race 5",
    about: "results are matched to watches by their position among those that ask for something",
    patches: [
      {
        file: "loop.ts",
        find: "polled.push({ token, ready })",
        replace:
          "polled.push({ token: [...this.#live].filter((each) => each.state === 'active' && each.interest > 0)" +
          ".findIndex((each) => each.id === token), ready })",
      },
      {
        file: "loop.ts",
        find: "const watch = this.#nexus.resolve(token);",
        replace: "const watch = [...this.#live].filter((each) => each.state === 'active' && each.interest > 0)[token];",
      },
    ],
    foundBy: "two watches on one descriptor",
  },
  {
    name: "modify-leaves-commitment",
    breaks: "race 7",
    about: "a timeout moved after it was taken as due fires all the same",
    patches: [
      {
        file: "timeout.ts",
        find: 'this.#committed = false;\n    if (at === "never")',
        replace: 'if (at === "never")',
      },
    ],
    foundBy: "timeouts changed within a pass",
  },
  {
    name: "rearmed-before-the-call",
    breaks: "race 8",
    about: "a repeating timeout is armed again before its callback, so it fires again while that is under way",
    patches: [
      {
        file: "timeout.ts",
        find: "this.call(() => this.#callback(this));",
        replace:
          "if (this.#every !== undefined) this.#arm(this.#next(this.#every));\n    this.call(() => this.#callback(this));",
      },
    ],
    foundBy: "a repeating timeout with an async callback",
  },
  {
    name: "library-timeout-recurs",
    breaks: "race 8",
    about: "the library's timeout is a recurring one, not disabled when it fires and its cookie not taken back",
    patches: [
      {
        file: "osevent-hooks.ts",
        find: 'const options = { name: "the library\'s timeout" };',
        replace: 'const options = { name: "the library\'s timeout", every: 0 };',
      },
      {
        file: "osevent-hooks.ts",
        find: "this.#timeouts.retire(cookie);\n    record.timeout?.remove();\n    return this.#enter",
        replace: "return this.#enter",
      },
      {
        file: "osevent-hooks.ts",
        find: 'record.timeout?.modify("never");',
        replace: "",
      },
    ],
    foundBy: "an operation and its timeout",
  },
  {
    name: "freed-in-use",
    breaks: "race 8",
    about: "a registration removed inside its own callback is released before that has ended",
    patches: [
      {
        file: "registration.ts",
        find: "if (!this.#running) this.keeper.retire(this);",
        replace: "this.keeper.retire(this);",
      },
    ],
    foundBy: "an async watch callback",
  },
  {
    name: "cell-for-cookie",
    breaks: "race 9",
    about: "`&for_app` is taken for `for_app`: the address of the cookie for the cookie",
    patches: [
      {
        file: "osevent-hooks.ts",
        find: "this.#timeouts.resolve(update.load())",
        replace: "this.#timeouts.resolve(update)",
      },
    ],
    foundBy: "a library's timeout is moved",
  },
  {
    name: "now-becomes-never",
    breaks: "race 9",
    about: "{0, 0} is computed as a time that means disabled",
    patches: [{ file: "osevent-hooks.ts", find: 'return ms === 0 ? "now"', replace: 'return ms === 0 ? "never"' }],
    foundBy: "whose timeout is it",
  },
  {
    name: "past-becomes-never",
    breaks: "race 9",
    about: "a time that has passed is computed as a negative wait, which means disabled",
    patches: [
      {
        file: "timeout.ts",
        find: 'if (at === "never")',
        replace: 'if (at === "never" || at < this.keeper.host.now())',
      },
    ],
    foundBy: "a library's timeout is moved",
  },
  {
    name: "drain-waits-for-nothing",
    breaks: "race 10",
    about: "the context may be freed with timeouts still out",
    patches: [
      {
        file: "osevent-hooks.ts",
        find: "return this.#timeouts.size === 0 && this.#calls === 0;",
        replace: "return this.#calls === 0;",
      },
    ],
    foundBy: "drained before disposal",
  },
  {
    name: "drain-ignores-calls",
    breaks: "race 10",
    about: "the context may be freed while a callback is about to lock it",
    patches: [
      {
        file: "osevent-hooks.ts",
        find: "return this.#timeouts.size === 0 && this.#calls === 0;",
        replace: "return this.#timeouts.size === 0;",
      },
    ],
    foundBy: "drained before disposal",
  },
  {
    name: "called-before-complete",
    breaks: "race 11",
    about: "a foreign loop may call back while the handle is still being added",
    patches: [
      {
        file: "foreign-host.ts",
        find: "this.#undisturbed(() => {",
        replace: "((action) => action())(() => {",
      },
    ],
    foundBy: "a foreign loop calls back inside addHandle",
  },
  {
    name: "pass-ends-at-a-removal",
    breaks: "race 12",
    about: "a registration removed inside a callback ends the pass: those after it are forgotten",
    patches: [
      { file: "loop.ts", find: "if (!timeout.committed) continue;", replace: "if (!timeout.committed) break;" },
    ],
    foundBy: "timeouts changed within a pass",
  },
  {
    name: "pass-over-the-live-table",
    breaks: "race 12",
    about:
      "the pass goes over the table itself: what a callback removes makes it skip the next, what it adds runs at once",
    patches: [
      {
        file: "loop.ts",
        find: "for (const timeout of due) {\n        yield",
        replace:
          "for (const timeout of due) {\n        due.push(...this.#timers.takeDue(this.#host.now()).map((each) => (each.commit(), each)));\n        yield",
      },
    ],
    foundBy: "timeouts changed within a pass",
  },
  {
    name: "event-lock-over-callbacks",
    breaks: "race 13",
    about: "posting waits until no turn is running",
    patches: [
      { file: "loop.ts", find: 'yield "poll";', replace: 'globalThis.eventLock.lock();\n      yield "poll";' },
      { file: "loop.ts", find: 'yield "sleep";', replace: 'yield "sleep";\n    globalThis.eventLock.unlock();' },
      {
        file: "loop.ts",
        find: "this.#posted.push(job);\n    this.#wake();",
        replace: "globalThis.eventLock.pass();\n    this.#posted.push(job);\n    this.#wake();",
      },
    ],
    foundBy: "nothing is held over foreign code",
  },
  {
    name: "awake-cleared-late",
    breaks: "race 15",
    about: "posts are taken before the loop admits that it may have to be woken again",
    patches: [
      { file: "loop.ts", find: "      this.#awake = false;\n", replace: "" },
      {
        file: "loop.ts",
        find: "      for (const timeout of due) {\n        yield",
        replace: "      this.#awake = false;\n      for (const timeout of due) {\n        yield",
      },
    ],
    foundBy: "posts coalesce",
  },
  {
    name: "awake-cleared-early",
    breaks: "race 15",
    about: "the loop admits that it may have to be woken again before it has taken notice of the last wakeup",
    patches: [
      { file: "loop.ts", find: "      this.#awake = false;\n", replace: "" },
      { file: "loop.ts", find: 'yield "poll";', replace: 'this.#awake = false;\n      yield "poll";' },
    ],
    foundBy: "posts coalesce",
  },
  {
    name: "released-inside-remove",
    breaks: "invariant 2",
    about: "remove() itself calls the release function",
    patches: [
      {
        file: "registration.ts",
        find: "if (!this.#running) this.keeper.retire(this);",
        replace: "if (!this.#running) this.finish();",
      },
    ],
    foundBy: "watches removed in callbacks",
  },
  {
    name: "modify-not-heeded",
    breaks: "invariant 5",
    about: "a watch is told what it no longer asks for",
    patches: [
      {
        file: "watch.ts",
        find: "if (this.#interest === Ready.none || wanted === Ready.none) return;",
        replace: "",
      },
    ],
    foundBy: "a watch modified within a pass",
  },
  {
    name: "pause-never-ends",
    breaks: "invariant 5",
    about: "a watch that paused during an async callback is not armed again",
    patches: [
      {
        file: "watch.ts",
        find: "this.#paused = false;\n    this.keeper.host.rearm(this.id, this.#interest);",
        replace: "this.#paused = false;",
      },
    ],
    foundBy: "an async watch callback",
  },
  {
    name: "modify-resurrects",
    breaks: "invariant 6",
    about: "modify() arms a timeout that has been removed",
    patches: [
      {
        file: "timeout.ts",
        find: 'if (this.state !== "active") return;\n    this.#every = every;',
        replace: "this.#every = every;",
      },
    ],
    foundBy: "timeouts changed within a pass",
  },
  {
    name: "fires-early",
    breaks: "invariant 7",
    about: "what is due within 20 ms counts as due",
    patches: [
      {
        file: "timer-queue.ts",
        find: "entry.deadline <= now;",
        replace: "entry.deadline <= now + 20;",
      },
    ],
    foundBy: "modify against occurred",
  },
  {
    name: "calls-overlap",
    breaks: "invariant 9",
    about: "an async callback is entered again before its last call has ended",
    patches: [{ file: "watch.ts", find: "if (this.running) {", replace: "if (this.keeper === undefined) {" }],
    foundBy: "an async watch callback",
  },
  {
    name: "no-wakeup-from-inside",
    breaks: "invariant 10",
    about: "a job posted while a turn is running does not ask for another turn",
    patches: [
      { file: "loop.ts", find: "if (this.#awake) return;", replace: "if (this.#awake || this.#turning) return;" },
    ],
    foundBy: "posts from inside a turn",
  },
  {
    name: "close-waits-for-nobody",
    breaks: "invariant 13",
    about: "the loop is closed at the end of the turn, whatever is outstanding",
    patches: [
      {
        file: "loop.ts",
        find: "if (this.#posted.length > 0 || (this.#live.size > 0 && !this.#gaveUp())) return;",
        replace: "",
      },
    ],
    foundBy: "posts against close",
  },
  {
    name: "a-throw-ends-the-pass",
    breaks: "invariant 14",
    about: "what a callback throws is not caught",
    patches: [
      {
        file: "registration.ts",
        find: "return this.#failed(error);",
        replace: "throw error;",
      },
    ],
    foundBy: "throwing callbacks",
  },
];
