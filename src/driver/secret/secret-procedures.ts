import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { bitsOf, type Choice, pair, select } from "../objects/flag-filter.ts";
import { worded } from "../objects/worded.ts";
import { formatSecret, parseSecret, type SecretDefinition } from "./secret-definition.ts";
import type { Secrets } from "./secrets.ts";

/** virConnectListAllSecretsFlags. */
const groups: readonly (readonly Choice<SecretDefinition>[])[] = [
  pair(1, 2, ({ isEphemeral }) => isEphemeral),
  pair(4, 8, ({ isPrivate }) => isPrivate),
];

/** virSecretDefineFlags: the XML is checked against the schema first, which reading it does well enough. */
const validate = 1;

/** Passwords and keys. */
export function secretProcedures(secrets: Secrets): DriverProcedures {
  return {
    connectNumOfSecrets: () => ({ num: secrets.all.length }),
    connectListSecrets: ({ maxuuids }) => ({
      uuids: secrets.all.map(({ reference }) => reference.uuid).slice(0, maxuuids),
    }),
    connectListAllSecrets: ({ needResults, flags }) => {
      check(flags, bitsOf(groups), "secretConnectListAllSecrets");
      const found = select(secrets.all, groups, flags);
      return { secrets: needResults === 0 ? [] : found.map(({ reference }) => reference), ret: found.length };
    },
    secretLookupByUuid: ({ uuid }) => ({ secret: secrets.byUuid(uuid).reference }),
    secretLookupByUsage: ({ usageType, usageId }) => ({ secret: secrets.byUsage(usageType, usageId).reference }),
    secretGetXmlDesc: ({ secret, flags }) => {
      check(flags, 0, "secretGetXMLDesc");
      return { xml: formatSecret(secrets.byUuid(secret.uuid)) };
    },
    secretDefineXml: async ({ xml, flags }) => {
      check(flags, validate, "secretDefineXML");
      return { secret: await secrets.define(parseSecret(xml)) };
    },
    secretUndefine: ({ secret }) => secrets.undefine(secret.uuid),
    secretSetValue: ({ secret, value, flags }) => {
      check(flags, 0, "secretSetValue");
      return secrets.setValue(secret.uuid, value);
    },
    secretGetValue: ({ secret, flags }) => {
      check(flags, 0, "secretGetValue");
      if (secrets.byUuid(secret.uuid).isPrivate)
        throw worded(ErrorCode.invalidSecret, ErrorDomain.secret, "Invalid secret", "secret is private");
      return { value: secrets.valueOf(secret.uuid) };
    },
  };
}

function check(flags: number, supported: number, caller: string): void {
  VirError.checkFlags(flags, supported, ErrorDomain.secret, caller);
}
