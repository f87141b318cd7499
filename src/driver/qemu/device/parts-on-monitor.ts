import {
  commandToAdd,
  commandToRemove,
  type DescriptorRequest,
  descriptorsOf,
  type MonitorCommand,
  type Part,
} from "../command-line/index.ts";
import { openDescriptors, type TapSource } from "../host-side/descriptors.ts";
import type { Run } from "../run.ts";

/** Whose QEMU is told to. */
type Commandable = Pick<Run, "execute">;

/**
 * Adds parts of devices to a QEMU that runs, in order, and with what they need of the host; the result says what their tap
 * devices are called. When one cannot be added those before it are taken away again. Rejects with VirError and as
 * `Run.execute`.
 */
export async function addParts(
  run: Commandable,
  parts: readonly Part[],
  timeoutMs: number,
  taps?: TapSource,
): Promise<ReadonlyMap<string, string>> {
  // Before anything is changed.
  const commands = parts.map(commandToAdd);
  const requests = parts.flatMap((part) => (part.kind === "secret" ? [] : descriptorsOf(part)));
  const descriptors = await openDescriptors(requests, taps);
  try {
    await sendAll(run, requests, descriptors.fds, timeoutMs);
    await addAll(run, parts, commands, timeoutMs);
    return descriptors.targets;
  } catch (error) {
    // What no part has taken would stay open in QEMU.
    await Promise.all(requests.map(({ name }) => run.execute("closefd", { fdname: name }, timeoutMs).catch(() => {})));
    throw error;
  } finally {
    descriptors.close();
  }
}

/** QEMU has them under their names then. */
async function sendAll(
  run: Commandable,
  requests: readonly DescriptorRequest[],
  fds: readonly number[],
  timeoutMs: number,
): Promise<void> {
  for (const [at, { name }] of requests.entries()) {
    await run.execute("getfd", { fdname: name }, timeoutMs, { fds: fds.slice(at, at + 1) });
  }
}

async function addAll(
  run: Commandable,
  parts: readonly Part[],
  commands: readonly MonitorCommand[],
  timeoutMs: number,
): Promise<void> {
  for (const [at, { execute, arguments: args }] of commands.entries()) {
    try {
      await run.execute(execute, args, timeoutMs);
    } catch (error) {
      await removeParts(run, parts.slice(0, at), timeoutMs);
      throw error;
    }
  }
}

/** Takes parts away, in the reverse of their order; what QEMU does not have any more is gone. */
export async function removeParts(run: Commandable, parts: readonly Part[], timeoutMs: number): Promise<void> {
  for (const command of parts.map(commandToRemove).reverse()) {
    if (command !== undefined) await run.execute(command.execute, command.arguments, timeoutMs).catch(() => {});
  }
}
