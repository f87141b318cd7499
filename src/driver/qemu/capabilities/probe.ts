import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { JsonObject } from "../../../qmp/index.ts";

/** A question and what it asks about. */
export interface Question {
  readonly execute: string;
  readonly arguments?: JsonObject;
}

export interface ProbeOptions {
  /** "tcg" or "kvm". */
  readonly accelerator: string;
  /** From the start of the process to its last answer. It is killed then. */
  readonly timeoutMs: number;
}

/** QEMU could not be asked: it is not there, died, or took too long. `lastWords` is what it printed. */
export class ProbeError extends Error {
  override readonly name = "ProbeError";
}

/**
 * Starts a QEMU without a machine, asks it, and kills it. The answers are in the order of the questions; undefined for
 * one that it refuses, as an older QEMU does. Rejects with ProbeError.
 *
 * Whatever may hang on the machine, as the opening of a device node, hangs in that process alone: nobody waits for its end.
 */
export async function probe(
  binary: string,
  questions: readonly Question[],
  { accelerator, timeoutMs }: ProbeOptions,
): Promise<unknown[]> {
  const args = ["-S", "-no-user-config", "-nodefaults", "-display", "none"];
  const child = spawn(binary, [...args, "-machine", `none,accel=${accelerator}`, "-qmp", "stdio"], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
  });
  let lastWords = "";
  child.stderr.on("data", (chunk: Buffer) => {
    lastWords = `${lastWords}${chunk.toString()}`.slice(-1000);
  });
  const failed = new Promise<never>((_, reject) => {
    child.on("error", (error) => reject(new ProbeError(`cannot run ${binary}: ${error.message}`, { cause: error })));
    child.stdin.on("error", () => {});
    setTimeout(() => {
      reject(new ProbeError(`${binary} has not answered within ${timeoutMs} ms`));
    }, timeoutMs).unref();
  });
  failed.catch(() => {});
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  try {
    return await Promise.race([failed, converse(child.stdin, child.stdout, questions)]);
  } catch (error) {
    if (error instanceof ProbeError) throw error;
    // What it had to say may come after its end.
    await Promise.race([closed, failed]);
    throw new ProbeError(`${binary} cannot be asked: ${lastWords.trim() || (error as Error).message}`, {
      cause: error,
    });
  } finally {
    child.kill("SIGKILL");
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }
}

async function converse(
  input: NodeJS.WritableStream,
  output: NodeJS.ReadableStream,
  questions: readonly Question[],
): Promise<unknown[]> {
  const lines = createInterface({ input: output })[Symbol.asyncIterator]();
  const next = async (): Promise<JsonObject> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error("it ended before it answered");
    return JSON.parse(value) as JsonObject;
  };
  await next();
  const answers: unknown[] = [];
  for (const question of [{ execute: "qmp_capabilities" }, ...questions]) {
    input.write(`${JSON.stringify(question)}\n`);
    let reply = await next();
    while (!("return" in reply) && !("error" in reply)) reply = await next();
    answers.push(reply["return"]);
  }
  return answers.slice(1);
}
