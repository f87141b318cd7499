import { readdirSync, readFileSync } from "node:fs";

/** A QEMU that one of ours was launched as. */
export interface FoundQemu {
  readonly pid: number;
  readonly uuid: string;
}

/** The QEMUs whose monitors are below `directory`, found as anybody could find them: not by what a daemon says. */
export function findQemus(directory: string): FoundQemu[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0)
    .flatMap((pid) => {
      const mark = wordsOf(pid, "environ").find((word) => word.startsWith(`VIRTWRIGHT_MONITOR=${directory}/`));
      const words = wordsOf(pid, "cmdline");
      const uuid = words[words.indexOf("-uuid") + 1];
      return mark === undefined || uuid === undefined || !words.includes("-uuid") ? [] : [{ pid, uuid }];
    });
}

function wordsOf(pid: number, file: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
  } catch {
    return [];
  }
}
