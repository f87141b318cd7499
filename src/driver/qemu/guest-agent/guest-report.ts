import type { Definition } from "../../../model/index.ts";
import type { TypedParam } from "../../../protocol/index.ts";
import { ErrorCode, VirError } from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { AgentLink } from "../agent-link.ts";
import { param } from "../statistics/subject.ts";
import { type AgentDisk, type AgentFileSystem, type AgentInterface, addressesOf, targetAt } from "./file-systems.ts";

type Make = (agent: AgentLink, definition: Definition) => Promise<TypedParam[]>;

/** virDomainGuestInfoTypes, in libvirt's order. */
const parts: readonly (readonly [bit: number, make: Make])[] = [
  [1, users],
  [2, system],
  [4, timeZone],
  [8, hostName],
  [16, fileSystems],
  [32, disks],
  [64, interfaces],
];

export const knownParts = parts.reduce((bits, [bit]) => bits | bit, 0);

/** What `wanted` names; 0: all that this agent can tell. Rejects with VirError. */
export async function guestReport(agent: AgentLink, definition: Definition, wanted: number): Promise<TypedParam[]> {
  const params: TypedParam[] = [];
  for (const [bit, make] of parts) {
    if (wanted !== 0 && (wanted & bit) === 0) continue;
    try {
      params.push(...(await make(agent, definition)));
    } catch (error) {
      // An agent that is older than the question refuses it.
      if (wanted !== 0 || !(error instanceof VirError) || error.code !== ErrorCode.internalError) throw error;
    }
  }
  return params;
}

async function list(agent: AgentLink, command: string): Promise<readonly JsonObject[]> {
  return (await agent.execute(command)) as readonly JsonObject[];
}

async function users(agent: AgentLink): Promise<TypedParam[]> {
  const all = await list(agent, "guest-get-users");
  return [
    param.uint("user.count", all.length),
    ...all.flatMap(({ user, domain, "login-time": since }, at) => [
      param.string(`user.${at}.name`, String(user)),
      ...(typeof domain === "string" ? [param.string(`user.${at}.domain`, domain)] : []),
      // The agent's are seconds with a fraction.
      param.ullong(`user.${at}.login-time`, BigInt(Math.round(Number(since) * 1000))),
    ]),
  ];
}

async function system(agent: AgentLink): Promise<TypedParam[]> {
  const info = (await agent.execute("guest-get-osinfo")) as JsonObject;
  const names = "id name pretty-name version version-id machine variant variant-id kernel-release kernel-version";
  return names.split(" ").flatMap((name) => {
    const value = info[name];
    return typeof value === "string" ? [param.string(`os.${name}`, value)] : [];
  });
}

async function timeZone(agent: AgentLink): Promise<TypedParam[]> {
  const { zone, offset } = (await agent.execute("guest-get-timezone")) as JsonObject;
  const name = typeof zone === "string" ? [param.string("timezone.name", zone)] : [];
  return [...name, param.int("timezone.offset", Number(offset))];
}

async function hostName(agent: AgentLink): Promise<TypedParam[]> {
  const answer = (await agent.execute("guest-get-host-name")) as JsonObject;
  return [param.string("hostname", String(answer["host-name"]))];
}

async function fileSystems(agent: AgentLink, definition: Definition): Promise<TypedParam[]> {
  const all = (await agent.execute("guest-get-fsinfo")) as readonly AgentFileSystem[];
  return [param.uint("fs.count", all.length), ...all.flatMap((each, at) => fileSystem(each, `fs.${at}`, definition))];
}

function fileSystem(each: AgentFileSystem, prefix: string, definition: Definition): TypedParam[] {
  const { disk = [], "total-bytes": total, "used-bytes": used } = each;
  return [
    param.string(`${prefix}.name`, each.name),
    param.string(`${prefix}.mountpoint`, each.mountpoint),
    param.string(`${prefix}.fstype`, each.type),
    ...(total === undefined ? [] : [param.ullong(`${prefix}.total-bytes`, BigInt(total))]),
    ...(used === undefined ? [] : [param.ullong(`${prefix}.used-bytes`, BigInt(used))]),
    param.uint(`${prefix}.disk.count`, disk.length),
    ...disk.flatMap((one, at) => {
      const alias = targetAt(definition, one);
      return [
        ...(alias === undefined ? [] : [param.string(`${prefix}.disk.${at}.alias`, alias)]),
        ...(one.serial === undefined ? [] : [param.string(`${prefix}.disk.${at}.serial`, one.serial)]),
        ...(one.dev === undefined ? [] : [param.string(`${prefix}.disk.${at}.device`, one.dev)]),
      ];
    }),
  ];
}

async function disks(agent: AgentLink, definition: Definition): Promise<TypedParam[]> {
  const all = await list(agent, "guest-get-disks");
  return [param.uint("disk.count", all.length), ...all.flatMap((each, at) => diskOf(each, `disk.${at}`, definition))];
}

function diskOf(each: JsonObject, prefix: string, definition: Definition): TypedParam[] {
  const dependencies = (each["dependencies"] ?? []) as readonly string[];
  const address = each["address"] as AgentDisk | undefined;
  const alias = address && targetAt(definition, address);
  const guestAlias = each["alias"];
  return [
    param.string(`${prefix}.name`, String(each["name"])),
    { field: `${prefix}.partition`, value: { type: "boolean", value: each["partition"] === true } },
    ...(dependencies.length === 0 ? [] : [param.uint(`${prefix}.dependency.count`, dependencies.length)]),
    ...dependencies.map((name, at) => param.string(`${prefix}.dependency.${at}.name`, name)),
    ...(address?.serial === undefined ? [] : [param.string(`${prefix}.serial`, address.serial)]),
    ...(alias === undefined ? [] : [param.string(`${prefix}.alias`, alias)]),
    ...(typeof guestAlias === "string" ? [param.string(`${prefix}.guest_alias`, guestAlias)] : []),
    ...(address?.["bus-type"] === undefined ? [] : [param.string(`${prefix}.guest_bus`, address["bus-type"])]),
  ];
}

async function interfaces(agent: AgentLink): Promise<TypedParam[]> {
  const all = (await agent.execute("guest-network-get-interfaces")) as readonly AgentInterface[];
  return [param.uint("if.count", all.length), ...all.flatMap((each, at) => interfaceOf(each, `if.${at}`))];
}

function interfaceOf(each: AgentInterface, prefix: string): TypedParam[] {
  const addresses = addressesOf(each);
  const hwaddr = each["hardware-address"];
  return [
    param.string(`${prefix}.name`, each.name),
    ...(hwaddr === undefined ? [] : [param.string(`${prefix}.hwaddr`, hwaddr)]),
    ...(addresses.length === 0 ? [] : [param.uint(`${prefix}.addr.count`, addresses.length)]),
    ...addresses.flatMap(({ type, addr, prefix: length }, at) => [
      param.string(`${prefix}.addr.${at}.type`, type === 1 ? "ipv6" : "ipv4"),
      param.string(`${prefix}.addr.${at}.addr`, addr),
      param.uint(`${prefix}.addr.${at}.prefix`, length),
    ]),
  ];
}
