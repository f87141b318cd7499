import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { runVerb } from "../../src/cli/verbs/run-verb.ts";
import { type Connection, open } from "../../src/open/index.ts";
import { isStuck, killed } from "../conformance/virsh/side.ts";
import { Teacher } from "../conformance/virsh/teacher.ts";
import { definitions, differences } from "./virsh-lines.ts";

const main = join(import.meta.dirname, "../../src/cli/main.ts");

export interface Answer {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

export type Who = "virsh" | "ours";

/** Where each has its files. */
const sides: Readonly<Record<Who, string>> = { virsh: "one", ours: "other" };

/**
 * Two libvirtd of the same kind: one for virsh, one for us, so that the same lines find the same things.
 *
 * start: connects to both, as libvirt's simulator forgets everything with its last client.
 * stop:  ends both; nothing is left.
 */
export class VirshPair {
  readonly held: Connection[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), "vw-verbs-"));
  readonly #teachers: Readonly<Record<Who, Teacher>>;
  readonly #uri: (socket: string) => string;

  /** `uri`: of the hypervisor behind a socket. */
  constructor(uri: (socket: string) => string) {
    this.#uri = uri;
    const teacher = (who: Who): Teacher => new Teacher(this.directoryOf(who));
    this.#teachers = { virsh: teacher("virsh"), ours: teacher("ours") };
  }

  async start(): Promise<void> {
    chmodSync(this.#directory, 0o777);
    process.env["EDITOR"] = "true";
    delete process.env["VISUAL"];
    for (const [name, xml] of Object.entries(definitions)) writeFileSync(join(this.#directory, `${name}.xml`), xml);
    for (const who of ["virsh", "ours"] as const) {
      await this.#teachers[who].start();
      this.held.push(await open(this.#uriOf(who)));
    }
  }

  async stop(): Promise<void> {
    for (const connection of this.held) await connection.close();
    await Promise.all([this.#teachers.virsh.stop(), this.#teachers.ours.stop()]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Both say the same, or what is known to be different is. `isQuiet`: with --quiet. */
  async compare(line: string, isQuiet = false): Promise<void> {
    const given = line.split(" ").map((arg) => arg.replaceAll("PLACE", this.#directory).replaceAll(/(?<=<.*)_/g, " "));
    const argsOf = (who: Who): string[] => given.map((arg) => arg.replaceAll("SIDE", this.directoryOf(who)));
    const [name = "", ...args] = argsOf("ours");
    const [ours, virsh] = await Promise.all([
      this.ours([name, ...(isQuiet ? ["--quiet"] : []), ...args]),
      this.#worded([...(isQuiet ? ["--quiet"] : []), ...argsOf("virsh")]),
    ]);
    const [one, other] = [this.#placeless(stable(ours), "ours"), this.#placeless(stable(virsh), "virsh")];
    if (Object.hasOwn(differences, line)) assert.notDeepEqual(one, other, "this is no difference any more");
    else assert.deepEqual(one, other);
  }

  /** SIDE in a line: of one libvirtd alone, which may write there. */
  directoryOf(who: Who): string {
    return join(this.#directory, sides[who]);
  }

  /** Paths are of different lengths, and so are the lines below tables' heads. */
  #placeless({ status, out, error }: Answer, who: Who): Answer {
    const place = this.directoryOf(who);
    return {
      status,
      error: error.replaceAll(place, "SIDE"),
      out: out.replaceAll(place, "SIDE").replaceAll(/-{3,}$/gm, "---"),
    };
  }

  /** virsh loses the message of a migration now and then, which another thread of it has: it is asked again then. */
  async #worded(args: readonly string[]): Promise<Answer> {
    for (let rounds = 0; ; rounds++) {
      const answer = await this.virsh(args);
      const isLost = args[0] === "migrate" && answer.status !== 0 && answer.error === "";
      if (!(isLost || isStuck(args[0], answer.status)) || rounds === 5) return answer;
    }
  }

  virsh(args: readonly string[]): Promise<Answer> {
    const child = spawn("/usr/bin/virsh", ["-c", this.#uriOf("virsh"), ...args], {
      env: { LC_ALL: "C", PATH: "/usr/bin:/bin", EDITOR: "true" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 20_000,
    });
    return answerOf(child);
  }

  /** In this process. */
  async ours([name = "", ...args]: readonly string[]): Promise<Answer> {
    let [out, error] = ["", ""];
    try {
      const output = { out: (text: string) => void (out += text), error: (text: string) => void (error += text) };
      const status = await runVerb(name, ["--connect", this.#uriOf("ours"), ...args], {}, output);
      return { status, out, error };
    } catch (thrown) {
      return { status: 1, out, error: `error: ${(thrown as Error).message}\n` };
    }
  }

  /** The command as a process of its own. */
  program(args: readonly string[], input = ""): Promise<Answer> {
    const all = [main, "-c", this.#uriOf("ours"), ...args];
    const child = spawn(process.execPath, all, { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.end(input);
    return answerOf(child);
  }

  #uriOf(who: Who): string {
    return this.#uri(this.#teachers[who].socket);
  }
}

async function answerOf(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Promise<Answer> {
  let [out, error] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (error += chunk.toString()));
  const status = await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? killed)));
  return { status, out, error };
}

/**
 * What no two runs have in common: time that has passed, that libvirt's simulator counts from 1970, and how often a job was
 * looked at before it had ended: of its progress the last that is shown stays.
 */
function stable({ status, out, error }: Answer): Answer {
  return {
    status,
    error: error.replaceAll(/(\r[^\r\n]*\[) *\d+ %\](?=\1)/g, ""),
    out: out
      .replaceAll(/(?<=^ (?:number of|error count).*: +)\d+$/gm, "(count)")
      .replaceAll(/(CPU time|Time elapsed|time_elapsed): .*\n/g, "")
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "(date and time)")
      .replaceAll(/(?<=<creationTime>)\d+/g, "(time)"),
  };
}
