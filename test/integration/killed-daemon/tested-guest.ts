import { isDeepStrictEqual } from "node:util";
import type { Random } from "../../../fuzz/random.ts";
import type { DaemonClient } from "./daemon-client.ts";
import {
  again,
  type Change,
  changeOf,
  definition,
  type GuestState,
  possible,
  type Visible,
  visible,
} from "./guest-model.ts";

export interface TestedGuestOptions {
  readonly name: string;
  readonly uuid: string;
  readonly random: Random;
  readonly onSent: () => void;
  readonly onConfirmed: () => void;
  readonly onFound: (sentence: string) => void;
  /** A change may fail with this error, and has not happened then. Default: none may. Changes are sent one by one. */
  readonly mayFail?: (error: unknown) => boolean;
}

/** Their XML may take time to read: what follows on the same connection could come before it. */
const takesTime = new Set(["define", "createXml", "snapshot"]);
/** How many changes are sent without waiting for the reply to the first. */
const mostUnderWay = 3;

/**
 * One domain, which one client changes: what is confirmed of it, and what is under way. Changes that are sent one after
 * the other happen in this order, so that after a sudden end a first part of them has happened.
 */
export class TestedGuest {
  readonly #options: TestedGuestOptions;
  /** As it was before what is under way. */
  #state: GuestState | undefined;
  #underWay: Change[] = [];
  /** The first so many of them. */
  #confirmed = 0;
  #number = 0;
  /** All that has been told of it, up to `#state`. */
  #told: string[] = [];
  /** Sent with this key, with no reply, and alone. */
  #lost: { readonly change: Change; readonly key: string; readonly hasHappened: boolean } | undefined;

  constructor(options: TestedGuestOptions) {
    this.#options = options;
  }

  get uuid(): string {
    return this.#options.uuid;
  }

  /** Changes it so many times, or until a call fails that should not, or because the connection has. */
  async work(client: DaemonClient, times = Number.POSITIVE_INFINITY): Promise<void> {
    for (let count = 0; count < times; count++) {
      this.#plan();
      const sent = this.#underWay.map((change, index) => this.#send(client, change, index));
      const results = await Promise.allSettled(sent);
      if (results.some(({ status }) => status === "rejected")) return;
      this.#settle(this.#confirmed);
      this.#underWay = [];
      this.#confirmed = 0;
    }
  }

  /**
   * After a sudden end: what there is has to be what was confirmed, with a first part of what was under way, in what is
   * seen of the domain as in what was told of it.
   */
  judge(seen: Visible | undefined, told: readonly string[]): void {
    const fits: number[] = [];
    for (let count = this.#confirmed; count <= this.#underWay.length; count++) {
      const state = count === 0 ? this.#state : this.#underWay[count - 1]?.after;
      const events = [...this.#told, ...this.#underWay.slice(0, count).flatMap((change) => change.events)];
      const isSeen = isDeepStrictEqual(state === undefined ? undefined : visible(state), seen);
      if (isSeen && isDeepStrictEqual(events, told)) fits.push(count);
    }
    const count = fits.at(-1);
    if (count === undefined) return this.#complain(seen, told);
    const [change] = this.#underWay;
    const isAlone = this.#underWay.length === 1 && this.#confirmed === 0 && change !== undefined;
    this.#lost = isAlone ? { change, key: this.#keyOf(change), hasHappened: count === 1 } : undefined;
    this.#settle(count);
    this.#underWay = [];
    this.#confirmed = 0;
  }

  /** A call without a reply is made again with its key, which the daemon that has it now has never heard. */
  async repeatLost(client: DaemonClient): Promise<void> {
    if (this.#lost === undefined) return;
    const { change, key, hasHappened } = this.#lost;
    const { name, number } = change;
    this.#lost = undefined;
    const expected = hasHappened ? again(change, this.#options.name) : change;
    this.#underWay = expected === undefined ? [] : [expected];
    try {
      await client.extensions.run({ key }, (options) => this.#call(client, change, options));
    } catch (error) {
      if (!client.isOpen) throw error;
      if (expected !== undefined) this.#say(`${name} ${number}, sent again, fails: ${String(error)}`);
      return;
    }
    if (expected === undefined) this.#say(`${name} ${number} has happened, and succeeds again`);
    this.#settle(1);
    this.#underWay = [];
  }

  #say(sentence: string): void {
    this.#options.onFound(`${this.#options.name}: ${sentence}`);
  }

  #plan(): void {
    const { random, name, mayFail } = this.#options;
    const length = mayFail === undefined ? 1 + random.below(mostUnderWay) : 1;
    this.#underWay = [];
    this.#confirmed = 0;
    let state = this.#state;
    while (this.#underWay.length < length) {
      const what = random.pick(possible(state)) ?? "define";
      const change = changeOf(what, ++this.#number, name, state);
      this.#underWay.push(change);
      state = change.after;
      if (takesTime.has(what)) return;
    }
  }

  async #send(client: DaemonClient, change: Change, index: number): Promise<void> {
    const { onSent, onConfirmed } = this.#options;
    try {
      const made = client.extensions.run({ key: this.#keyOf(change) }, (options) =>
        this.#call(client, change, options),
      );
      onSent();
      await made;
    } catch (error) {
      if (client.isOpen && this.#options.mayFail?.(error) === true) return;
      if (client.isOpen) this.#say(`${change.name} ${change.number} fails: ${String(error)}`);
      throw error;
    }
    this.#confirmed = Math.max(this.#confirmed, index + 1);
    onConfirmed();
  }

  #call({ call }: DaemonClient, change: Change, options: object): Promise<unknown> {
    const { uuid, name } = this.#options;
    const dom = { name: change.of, uuid, id: -1 };
    switch (change.name) {
      case "define":
        return call.domainDefineXmlFlags({ xml: definition(change.of, uuid, change.number), flags: 0 }, options);
      case "createXml":
        return call.domainCreateXml({ xmlDesc: definition(name, uuid, change.number), flags: 0 }, options);
      case "undefine":
        return call.domainUndefineFlags({ dom, flags: 2 }, options);
      case "create":
        return call.domainCreate({ dom }, options);
      case "destroy":
        return call.domainDestroy({ dom }, options);
      case "suspend":
        return call.domainSuspend({ dom }, options);
      case "resume":
        return call.domainResume({ dom }, options);
      case "setAutostart":
        return call.domainSetAutostart({ dom, autostart: Number(change.after?.autostart) }, options);
      case "rename":
        return call.domainRename({ dom, newName: change.after?.name ?? null, flags: 0 }, options);
      case "snapshot": {
        const xmlDesc = `<domainsnapshot><name>${change.snapshot}</name></domainsnapshot>`;
        return call.domainSnapshotCreateXml({ dom, xmlDesc, flags: 0 }, options);
      }
      case "deleteSnapshot":
        return call.domainSnapshotDelete({ snap: { dom, name: change.snapshot }, flags: 0 }, options);
    }
  }

  #keyOf({ number }: Change): string {
    return `${this.#options.name} ${number}`;
  }

  /** The first so many have happened. */
  #settle(count: number): void {
    const happened = this.#underWay.slice(0, count);
    const last = happened.at(-1);
    if (last === undefined) return;
    this.#state = last.after;
    this.#told.push(...happened.flatMap((change) => change.events));
  }

  #complain(seen: Visible | undefined, told: readonly string[]): void {
    const { name, onFound } = this.#options;
    const changes = this.#underWay.map((change) => `${change.name} ${change.number}`).join(", ");
    onFound(
      [
        `${name} is not as it must be:`,
        `  confirmed    ${JSON.stringify(this.#state && visible(this.#state))}, told ${this.#told.slice(-6).join(" ")}`,
        `  under way    ${changes}, of which the first ${this.#confirmed} are confirmed`,
        `  found        ${JSON.stringify(seen)}, told ${told.slice(Math.max(0, this.#told.length - 6)).join(" ")}`,
      ].join("\n"),
    );
  }
}
