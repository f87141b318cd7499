import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { commandToAdd, commandToRemove, descriptorsOf, type Part } from "../command-line/index.ts";
import type { Run } from "../run.ts";

/**
 * Adds parts of devices to a QEMU that runs, in order. When one cannot be added those before it are taken away again. Rejects
 * with VirError and as `Run.execute`.
 */
export async function addParts(run: Run, parts: readonly Part[], timeoutMs: number): Promise<void> {
  // Before anything is changed.
  const commands = parts.map(commandToAdd);
  const [request] = parts.flatMap((part) => (part.kind === "secret" ? [] : descriptorsOf(part)));
  if (request !== undefined) throw needsHost(request.name);
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
export async function removeParts(run: Run, parts: readonly Part[], timeoutMs: number): Promise<void> {
  for (const command of parts.map(commandToRemove).reverse()) {
    if (command !== undefined) await run.execute(command.execute, command.arguments, timeoutMs).catch(() => {});
  }
}

function needsHost(name: string): VirError {
  const detail = `'${name}' needs a descriptor of the host's: such a device can be there from the start alone`;
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
