import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";

/** The value of the secret that `<auth>` within `element` names, or `element` itself. Throws VirError when there is none. */
export function secretFor(element: Element, { options }: GuestContext): Uint8Array {
  const secret = element.find("auth", "secret") ?? element.first("secret");
  const [uuid, usage] = [secret?.attribute("uuid"), secret?.attribute("usage")];
  const type = secret?.attribute("type") ?? "";
  const bytes = secret === undefined ? undefined : options.secretOf?.({ type, uuid, usage });
  if (bytes !== undefined) return bytes;
  const detail = `no secret with matching uuid or usage '${uuid ?? usage ?? ""}'`;
  throw VirError.of(ErrorCode.noSecret, ErrorDomain.secret, detail);
}

/** The id of the object that holds a secret of a node. */
export function secretId(node: string, property: string): string {
  return `${node}-${property.replace(/-secret$/, "")}-secret0`;
}
