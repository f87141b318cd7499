import { readFileSync } from "node:fs";
import type { Connection, Secret } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { checkUuid, explained } from "./lookup.ts";
import { whyNot } from "./object-verbs.ts";
import { about, fromFile, type ThingKind, validating } from "./thing-verbs.ts";
import { type Given, type Listing, PlainFailure, type Verbs } from "./verb.ts";

export const secrets: ThingKind<Secret> = {
  parameter: "secret",
  find: (connection, uuid) => {
    checkUuid(uuid, "secret", "virSecretLookupByUUIDString");
    return explained(connection.secretLookupByUuid(uuid), `failed to get secret '${uuid}'`);
  },
};

/** VIR_SECRET_USAGE_TYPE_*, in their order. */
const usages = ["none", "volume", "ceph", "iscsi", "tls", "vtpm"];
const filters = {
  ephemeral: "ephemeral",
  "no-ephemeral": "noEphemeral",
  private: "private",
  "no-private": "noPrivate",
} as const;

async function list(connection: Connection, given: Given): Promise<Listing> {
  const all = await connection.listAllSecrets({ flags: given.words(filters) });
  const objects = [...all]
    .sort((one, other) => (one.uuid < other.uuid ? -1 : 1))
    .map(({ uuid, usageType, usageId }) => ({ uuid, usage: usages[usageType] ?? "unknown", id: usageId }));
  return {
    columns: ["UUID", "Usage"],
    rows: objects.map(({ uuid, usage, id }) => [uuid, usage === "none" ? "Unused" : `${usage} ${id}`]),
    objects,
  };
}

/** The value to be set: of a file, or of the command line, where all processes can see it. */
function newValue(given: Given, where: Around): Uint8Array {
  given.exclude("file", "base64");
  given.exclude("plain", "base64");
  const [base64, file] = [given.text("base64"), given.text("file")];
  if (base64 !== undefined) {
    where.error("error: Passing secret value as command-line argument is insecure!\n");
    return decoded(base64);
  }
  if (file !== undefined) {
    const bytes = readBytes(file);
    return given.has("plain") ? bytes : decoded(bytes.toString("latin1"));
  }
  throw new PlainFailure("Input secret value is missing");
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new PlainFailure(`Failed to open file '${path}': ${whyNot(error)}`, { cause: error });
  }
}

function decoded(base64: string): Uint8Array {
  return Buffer.from(base64, "base64");
}

/** What people script about secrets. */
export const secretVerbs: Verbs = {
  "secret-list": {
    help: "lists secrets",
    flags: Object.keys(filters),
    failure: () => "Failed to list secrets",
    show: list,
  },
  "secret-define": fromFile(
    "defines a secret, or changes one",
    "Failed to set attributes from %",
    async (connection, xml, given) => {
      const { uuid } = await connection.secretDefineXml(xml, validating(given));
      return `Secret ${uuid} created\n`;
    },
  ),
  "secret-dumpxml": about(secrets, "shows a secret's definition", (secret) => secret.getXmlDesc()),
  "secret-set-value": about(
    secrets,
    "gives a secret its value",
    async (secret, given, _, where) => {
      await secret.setValue(newValue(given, where));
      return "Secret value set\n";
    },
    {
      parameters: ["base64?"],
      texts: ["file"],
      flags: ["plain"],
      failure: () => "Failed to set secret value",
    },
  ),
  "secret-get-value": about(
    secrets,
    "shows a secret's value",
    async (secret, given) => {
      const value = Buffer.from(await secret.getValue());
      return given.has("plain") ? value.toString("latin1") : value.toString("base64");
    },
    { flags: ["plain"] },
  ),
  "secret-undefine": about(
    secrets,
    "forgets a secret",
    async (secret) => {
      await secret.undefine();
      return `Secret ${secret.uuid} deleted\n`;
    },
    { failure: (given) => `Failed to delete secret ${given.need("secret")}` },
  ),
};
