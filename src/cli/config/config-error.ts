import { UsageError } from "../usage-error.ts";

/** A configuration file says something that cannot be meant. The message begins with "FILE:LINE: ". */
export class ConfigError extends UsageError {
  constructor(file: string, line: number, detail: string) {
    super(`${file}:${line}: ${detail}`);
  }
}
