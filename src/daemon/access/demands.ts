/** What a call asks for: a permission, and on which kind of object. */
export interface Demand {
  /** "domain", "connect": libvirt's word. */
  readonly kind: string;
  /** "domain:start". */
  readonly permission: string;
}

interface Condition {
  readonly argument: string;
  readonly bits: readonly number[];
  /** The permission is asked for when none of them is set. */
  readonly ifNone: boolean;
}

interface Asked extends Demand {
  /** Undefined: always. */
  readonly condition: Condition | undefined;
}

interface Parsed {
  readonly asked: readonly Asked[];
  /** What clients have to have of each object in the result; undefined: no lists. */
  readonly filter: Demand | undefined;
}

/** What the row's column asks for with these arguments; and of each object that is listed. */
export function demandsOf(
  acl: string,
  args: unknown,
): { readonly demands: readonly Demand[]; readonly filter?: Demand | undefined } {
  let parsed = known.get(acl);
  if (parsed === undefined) known.set(acl, (parsed = parse(acl)));
  return { demands: parsed.asked.filter(({ condition }) => isAsked(condition, args)), filter: parsed.filter };
}

/** What a call asks for here: its row's column, but for what changes a guest and asks libvirt for domain:read alone. */
export function aclOf(name: string, acl: string): string {
  return name === "domainSetSchedulerParameters" ? "domain:write" : acl;
}

/** What a call asks for of a second object that it names, of which its row's column says nothing: by which argument. */
export function secondDemandOf(name: string): (Demand & { readonly argument: string }) | undefined {
  if (name !== "storageVolCreateXmlFrom") return undefined;
  return { ...demandOf("storage_vol:data_read"), argument: "clonevol" };
}

const known = new Map<string, Parsed>();

function parse(acl: string): Parsed {
  const [always = "", listed] = acl.split(" |filter ");
  const tokens = always.split(" ").filter((token) => token.includes(":"));
  return { asked: tokens.map(parseToken), filter: listed === undefined ? undefined : demandOf(listed) };
}

/** "object:permission", and when: ":FLAG", ":!FLAG|FLAG", or "::argument:VALUE". */
function parseToken(token: string): Asked {
  const [kind = "", permission = "", ...rest] = token.split(":");
  const demand = demandOf(`${kind}:${permission}`);
  if (rest.length === 0) return { ...demand, condition: undefined };
  const [argument, flags = ""] = rest.length === 1 ? ["flags", rest[0]] : [rest[1] ?? "", rest[2]];
  const names = flags.replace("!", "").split("|");
  const bits = names.map((name) => flagBits[name]);
  // What we do not know is asked for always: more than libvirt does, and never less.
  if (bits.some((bit) => bit === undefined)) return { ...demand, condition: undefined };
  return { ...demand, condition: { argument, bits: bits as number[], ifNone: flags.startsWith("!") } };
}

function demandOf(permission: string): Demand {
  return { kind: permission.split(":")[0] ?? "", permission };
}

function isAsked(condition: Condition | undefined, args: unknown): boolean {
  if (condition === undefined) return true;
  const value = (args as Readonly<Record<string, unknown>>)[condition.argument];
  const isSet = condition.bits.some((bit) => (Number(value) & bit) !== 0);
  return isSet !== condition.ifNone;
}

const flagBits: { readonly [name: string]: number | undefined } = {
  VIR_DOMAIN_AFFECT_CONFIG: 2,
  VIR_DOMAIN_AFFECT_LIVE: 1,
  VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE: 2,
  VIR_DOMAIN_CHECKPOINT_XML_SECURE: 1,
  VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT: 1,
  VIR_DOMAIN_REBOOT_GUEST_AGENT: 2,
  VIR_DOMAIN_SAVE_IMAGE_XML_SECURE: 1,
  VIR_DOMAIN_SHUTDOWN_GUEST_AGENT: 2,
  VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE: 64,
  VIR_DOMAIN_SNAPSHOT_XML_SECURE: 1,
  VIR_DOMAIN_VCPU_GUEST: 8,
  VIR_DOMAIN_XML_MIGRATABLE: 8,
  VIR_DOMAIN_XML_SECURE: 1,
  VIR_NETWORK_UPDATE_AFFECT_CONFIG: 2,
  VIR_NETWORK_UPDATE_AFFECT_LIVE: 1,
  VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG: 2,
  VIR_NODE_DEVICE_UPDATE_AFFECT_LIVE: 1,
};
