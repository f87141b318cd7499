import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { type Codec, encode, ProtocolError } from "../xdr/index.ts";

/** As `call`, but an argument that does not fit its field is told by VirError (invalidArg). Looked for only when it has failed. */
export async function fitting<T>(
  name: string,
  fields: Readonly<Record<string, Codec>>,
  args: Readonly<Record<string, unknown>>,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof ProtocolError ? (misfitIn(name, fields, args) ?? error) : error;
  }
}

/** Which argument it is; undefined when it is none, but the reply. */
function misfitIn(
  name: string,
  fields: Readonly<Record<string, Codec>>,
  args: Readonly<Record<string, unknown>>,
): VirError | undefined {
  for (const [field, codec] of Object.entries(fields)) {
    try {
      encode(codec, args[field]);
    } catch (error) {
      if (error instanceof ProtocolError) return misfit(name, field, error);
    }
  }
  return undefined;
}

export function misfit(name: string, field: string, cause: Error): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.rpc, `${field} of ${name}: ${cause.message}`, cause);
}
