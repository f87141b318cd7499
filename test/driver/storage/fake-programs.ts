import { truncateSync } from "node:fs";
import { missingProgram, type ProgramName, type ProgramRequest, type Programs } from "../../../src/driver/programs.ts";

/** Takes commands down, and makes files as long as a qemu-img would say; the tests that need real images are elsewhere. */
export class FakePrograms implements Programs {
  readonly commands: string[][] = [];
  /** Each command waits for it, or for its caller to give up. */
  gate: Promise<void> | undefined;
  isMissing = false;

  async run(name: ProgramName, args: readonly string[], { signal }: ProgramRequest = {}): Promise<string> {
    if (this.isMissing) throw missingProgram(name);
    this.commands.push([name, ...args]);
    const abort = new Promise<never>((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
    if (this.gate !== undefined) await Promise.race([this.gate, abort]);
    signal?.throwIfAborted();
    const [path, size] = args.slice(-2);
    if (args[0] === "create" && path !== undefined) truncateSync(path, Number(size));
    return "";
  }
}
