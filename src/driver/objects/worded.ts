import { type ErrorCode, type ErrorDomain, VirError } from "../../protocol/index.ts";

/** An error whose phrase the wire's table does not have. */
export function worded(code: ErrorCode, domain: ErrorDomain, phrase: string, detail: string): VirError {
  return new VirError(`${phrase}: ${detail}`, { code, domain, str1: `${phrase}: %s`, str2: detail });
}
