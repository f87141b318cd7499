import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

/** The `operation`th thing that is asked of the file system, from 1, and the place within it. */
export interface Moment {
  readonly operation: number;
  readonly place: "before" | "during" | "after";
}

type Operation = (...args: unknown[]) => Promise<unknown>;

const functions = ["open", "rename", "rm", "readFile", "readdir", "mkdir", "copyFile", "access"] as const;
const methods = ["read", "write", "writeFile", "sync", "datasync", "truncate", "close"] as const;

/** From here on this process counts what it asks of the file system, and ends as by kill -9 at that moment. */
export async function endAt({ operation, place }: Moment): Promise<void> {
  let count = 0;
  const end = (): void => void process.kill(process.pid, "SIGKILL");
  const counted = (original: Operation): Operation =>
    async function (this: unknown, ...args) {
      if (++count !== operation) return original.apply(this, args);
      if (place === "before") end();
      const doing = original.apply(this, args);
      if (place === "during") end();
      const result = await doing;
      end();
      return result;
    };
  const handle = await files.open("/dev/null");
  const prototype = Object.getPrototypeOf(handle) as Record<string, Operation>;
  await handle.close();
  for (const name of methods) prototype[name] = counted(prototype[name] as Operation);
  const exported = files as unknown as Record<string, Operation>;
  for (const name of functions) exported[name] = counted(exported[name] as Operation);
  syncBuiltinESMExports();
}
