import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Random } from "../../../fuzz/random.ts";
import type { Loop } from "../../../src/event/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { ErrorCode, VirError } from "../../../src/protocol/index.ts";
import { DaemonClient } from "./daemon-client.ts";
import { DaemonLife } from "./daemon-life.ts";
import { History } from "./history.ts";
import { observe } from "./observation.ts";
import { TestedGuest } from "./tested-guest.ts";

export interface FullDiskOutcome {
  /** Changes that were confirmed, and that failed, while there was no room. */
  readonly confirmed: number;
  readonly failed: number;
  readonly warnings: readonly string[];
  readonly found: readonly string[];
}

const size = 4 * 1_048_576;
/** With and without room. */
const changesEach = 60;
/** What the journal says of an outage; its retries come every second. */
const outage = /the journal cannot be written: its events are kept in memory|the journal is written to the disk again/;
const recoveryMs = 20_000;
const noSpace = 28;

/** Why it cannot be tried here; undefined where it can. */
export function whyNoFullDisk(): string | undefined {
  return process.getuid?.() === 0 ? undefined : "a small disk can be mounted by root alone";
}

/** A daemon whose disk is full for a while: what fails has not happened, and nothing that was confirmed is lost. */
export async function fillDisk(seed: number): Promise<FullDiskOutcome> {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-full-"));
  run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "none", directory]);
  try {
    await using loop = openLoop();
    return await new FullDisk(loop, directory, seed).run();
  } finally {
    run("umount", [directory]);
    rmdirSync(directory);
  }
}

class FullDisk {
  readonly #loop: Loop;
  readonly #path: string;
  readonly #uri: string;
  readonly #ballast: string;
  readonly #guests: readonly TestedGuest[];
  readonly #found: string[] = [];
  readonly #warnings: string[] = [];
  readonly #history = new History((sentence) => this.#found.push(sentence));
  #isFull = false;
  #confirmed = 0;
  #failed = 0;

  constructor(loop: Loop, directory: string, seed: number) {
    this.#loop = loop;
    this.#path = join(directory, "sock");
    this.#uri = `test:///default?state=${encodeURIComponent(join(directory, "state"))}`;
    this.#ballast = join(directory, "ballast");
    this.#guests = Array.from({ length: 8 }, (_, index) => {
      return new TestedGuest({
        name: `d${index}`,
        uuid: `11111111-2222-3333-4444-${String(index).padStart(12, "0")}`,
        random: new Random(seed, index),
        onSent: () => {},
        onConfirmed: () => {
          if (this.#isFull) this.#confirmed++;
        },
        onFound: (sentence) => this.#found.push(sentence),
        mayFail: (error) => this.#mayFail(error),
      });
    });
  }

  async run(): Promise<FullDiskOutcome> {
    await this.#live(async (client, life) => {
      await this.#work(client, life);
      fill(this.#ballast);
      this.#isFull = true;
      await this.#work(client, life);
      rmSync(this.#ballast);
      this.#isFull = false;
      await this.#work(client, life);
      await this.#recovery(life);
    });
    await this.#live((client, life) => this.#work(client, life));
    if (this.#failed === 0) this.#found.push("nothing has failed: the disk was not full");
    return { confirmed: this.#confirmed, failed: this.#failed, warnings: this.#warnings, found: this.#found };
  }

  #mayFail(error: unknown): boolean {
    if (!this.#isFull || !(error instanceof VirError)) return false;
    this.#failed++;
    return error.code === ErrorCode.systemError && error.int1 === noSpace;
  }

  /** A daemon that is killed in the end. */
  async #live(use: (client: DaemonClient, life: DaemonLife) => Promise<void>): Promise<void> {
    await using life = new DaemonLife(this.#path, this.#uri);
    if (!(await life.serves())) {
      this.#found.push("the daemon does not serve");
      return;
    }
    await using listening = await DaemonClient.open(this.#loop, this.#path, this.#uri, (event) =>
      this.#history.take(event),
    );
    await this.#history.open(listening);
    await using client = await DaemonClient.open(this.#loop, this.#path, this.#uri);
    await this.#judge(client, life);
    await use(client, life);
    this.#warnings.push(...life.warnings);
    for (const each of life.warnings) if (!outage.test(each)) this.#found.push(`the daemon warns: ${each}`);
    life.kill();
  }

  async #work(client: DaemonClient, life: DaemonLife): Promise<void> {
    await Promise.all(this.#guests.map((guest) => guest.work(client, changesEach)));
    await this.#judge(client, life);
  }

  async #judge(client: DaemonClient, life: DaemonLife): Promise<void> {
    const { position } = await client.own.snapshot({ start: 0n, limit: 1, stats: 0, withXml: false });
    await this.#history.reaches(position.sequence, AbortSignal.any([life.over, AbortSignal.timeout(10_000)]));
    const uuids = this.#guests.map(({ uuid }) => uuid);
    const seen = await observe(client, uuids, (sentence) => this.#found.push(sentence));
    for (const guest of this.#guests) guest.judge(seen.get(guest.uuid), this.#history.of(guest.uuid));
  }

  /** Each outage of the journal is told at its beginning and at its end. */
  async #recovery({ warnings }: DaemonLife): Promise<void> {
    const late = performance.now() + recoveryMs;
    while (warnings.length % 2 === 1 && performance.now() < late) await wait(100);
    if (warnings.length % 2 === 1) this.#found.push("the journal is not written again");
  }
}

/** Until there is no room for one byte more. */
function fill(path: string): void {
  const fd = openSync(path, "w");
  try {
    for (let length = 65_536; length >= 1; ) {
      try {
        writeSync(fd, Buffer.alloc(length));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        length = Math.floor(length / 2);
      }
    }
  } finally {
    closeSync(fd);
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 20_000 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
}
