import type { Definition, Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { formatCpuList, parseCpuList } from "../../tuning/cpu-list.ts";
import { notRunning } from "../errors.ts";
import type { AgentOf, GuestAgent } from "../guest-agent/agent-of.ts";
import { addressesOf, type AgentFileSystem, type AgentInterface, targetAt } from "../guest-agent/file-systems.ts";
import { guestReport, knownParts } from "../guest-agent/guest-report.ts";
import type { Guests } from "../guests.ts";
import { param } from "../statistics/subject.ts";
import { check, has } from "./asked.ts";

const nsPerSecond = 1_000_000_000n;
const synchronise = 1;
const encrypted = 1;
const keys = { append: 1, remove: 2 };
/** How long an answer is waited for: for ever, the default, not at all; else seconds. */
const timeouts = { forever: -2, standard: -1 };
const standardMs = 5000;
const foreverMs = 2 ** 31 - 1;

/** What the agent in a guest tells and does. The domain's jobs are not in its way, nor it in theirs. */
export function guestInfoProcedures(guests: Guests, agentOf: AgentOf): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const reach = (dom: WireDomain): { agent: GuestAgent; definition: Definition } => {
    const domain = find(dom);
    const run = guests.runOf(domain);
    const { definition } = domain;
    if (run === undefined || definition === undefined) throw notRunning();
    return { agent: agentOf(run), definition };
  };
  const count = async (dom: WireDomain, command: string, args?: JsonObject): Promise<{ filesystems: number }> => ({
    filesystems: Number(await reach(dom).agent.execute(command, args)),
  });
  return {
    domainGetHostname: async ({ dom, flags }) => {
      check(flags, 3, "qemuDomainGetHostname");
      const answer = (await reach(dom).agent.execute("guest-get-host-name")) as JsonObject;
      return { hostname: String(answer["host-name"]) };
    },
    domainGetTime: async ({ dom, flags }) => {
      check(flags, 0, "qemuDomainGetTime");
      const ns = BigInt(Number(await reach(dom).agent.execute("guest-get-time")));
      return { seconds: ns / nsPerSecond, nseconds: Number(ns % nsPerSecond) };
    },
    domainSetTime: async ({ dom, seconds, nseconds, flags }) => {
      check(flags, synchronise, "qemuDomainSetTime");
      const time = Number(seconds * nsPerSecond + BigInt(nseconds));
      await reach(dom).agent.execute("guest-set-time", has(flags, synchronise) ? {} : { time });
    },
    domainFsfreeze: ({ dom, mountpoints, flags }) => {
      check(flags, 0, "qemuDomainFSFreeze");
      if (mountpoints.length === 0) return count(dom, "guest-fsfreeze-freeze");
      return count(dom, "guest-fsfreeze-freeze-list", { mountpoints });
    },
    domainFsthaw: ({ dom, flags }) => {
      check(flags, 0, "qemuDomainFSThaw");
      return count(dom, "guest-fsfreeze-thaw");
    },
    domainFstrim: async ({ dom, mountPoint, minimum, flags }) => {
      check(flags, 0, "qemuDomainFSTrim");
      if (mountPoint !== null) throw unsupported("Specifying mount point is not supported for now");
      await reach(dom).agent.execute("guest-fstrim", { minimum: Number(minimum) });
    },
    domainGetFsinfo: async ({ dom, flags }) => {
      check(flags, 0, "qemuDomainGetFSInfo");
      const { agent, definition } = reach(dom);
      const all = (await agent.execute("guest-get-fsinfo")) as readonly AgentFileSystem[];
      const info = all.map(({ mountpoint, name, type, disk = [] }) => ({
        mountpoint,
        name,
        fstype: type,
        devAliases: disk.flatMap((each) => targetAt(definition, each) ?? []),
      }));
      return { info, ret: info.length };
    },
    domainGetGuestInfo: async ({ dom, types, flags }) => {
      check(flags, 0, "qemuDomainGetGuestInfo");
      const { agent, definition } = reach(dom);
      if ((types & ~knownParts) !== 0) throw wrong(`unsupported guest information types '0x${(types & ~knownParts).toString(16)}'`);
      return { params: await guestReport(agent, definition, types) };
    },
    domainGetGuestVcpus: async ({ dom, flags }) => {
      check(flags, 0, "qemuDomainGetGuestVcpus");
      const all = (await reach(dom).agent.execute("guest-get-vcpus")) as readonly JsonObject[];
      const those = (test: (each: JsonObject) => boolean): string =>
        formatCpuList(all.filter(test).map((each) => Number(each["logical-id"])));
      return {
        params: [
          param.string("vcpus", those(() => true)),
          param.string("online", those(({ online }) => online === true)),
          param.string("offlinable", those((each) => each["can-offline"] === true)),
        ],
      };
    },
    domainSetGuestVcpus: async ({ dom, cpumap, state, flags }) => {
      check(flags, 0, "qemuDomainSetGuestVcpus");
      if (state !== 0 && state !== 1) throw wrong("unsupported state value");
      const vcpus = parseCpuList(cpumap).map((id) => ({ "logical-id": id, online: state === 1 }));
      await reach(dom).agent.execute("guest-set-vcpus", { vcpus });
    },
    domainSetUserPassword: async ({ dom, user, password, flags }) => {
      check(flags, encrypted, "qemuDomainSetUserPassword");
      const args = {
        username: user ?? "",
        password: Buffer.from(password ?? "").toString("base64"),
        crypted: has(flags, encrypted),
      };
      await reach(dom).agent.execute("guest-set-user-password", args);
    },
    domainAuthorizedSshKeysGet: async ({ dom, user, flags }) => {
      check(flags, 0, "qemuDomainAuthorizedSSHKeysGet");
      const answer = (await reach(dom).agent.execute("guest-ssh-get-authorized-keys", { username: user })) as JsonObject;
      return { keys: answer["keys"] as readonly string[] };
    },
    domainAuthorizedSshKeysSet: async ({ dom, user, keys: given, flags }) => {
      check(flags, keys.append | keys.remove, "qemuDomainAuthorizedSSHKeysSet");
      const { agent } = reach(dom);
      const args = { username: user, keys: given };
      if (has(flags, keys.remove)) await agent.execute("guest-ssh-remove-authorized-keys", args);
      else await agent.execute("guest-ssh-add-authorized-keys", { ...args, reset: !has(flags, keys.append) });
    },
    domainAgentSetResponseTimeout: ({ dom, timeout, flags }) => {
      check(flags, 0, "qemuDomainAgentSetResponseTimeout");
      if (timeout < timeouts.forever) {
        throw wrong(`guest agent timeout '${timeout}' is less than the minimum '-2'`);
      }
      reach(dom).agent.patienceMs = patienceOfAgent(timeout);
      return { result: 0 };
    },
    domainAgentCommand: async ({ dom, cmd, timeout, flags }) => {
      check(flags, 0, "qemuDomainQemuAgentCommand");
      const { agent } = reach(dom);
      const { command, args } = parseCommand(cmd);
      const value = await agent.execute(command, args, { timeoutMs: patienceOfAgent(timeout) });
      return { result: JSON.stringify({ return: value }) };
    },
    ...addressProcedures(guests, reach),
  };
}

/** virDomainInterfaceAddressesSource */
const sources = { lease: 0, agent: 1, arp: 2 };

function addressProcedures(
  guests: Guests,
  reach: (dom: WireDomain) => { agent: GuestAgent },
): Pick<DriverProcedures, "domainInterfaceAddresses"> {
  return {
    domainInterfaceAddresses: async ({ dom, source, flags }) => {
      check(flags, 0, "qemuDomainInterfaceAddresses");
      const domain = guests.domains.byUuid(dom.uuid, dom.name);
      const { definition } = domain;
      if (guests.runOf(domain) === undefined || definition === undefined) throw notRunning();
      if (source === sources.lease) return { ifaces: await guests.leasesOf(definition) };
      if (source === sources.arp) return { ifaces: neighboursOf(definition) };
      if (source !== sources.agent) {
        const detail = `Unknown IP address data source ${source}`;
        throw VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.qemu, detail);
      }
      const all = (await reach(dom).agent.execute("guest-network-get-interfaces")) as readonly AgentInterface[];
      return {
        ifaces: all.map((each) => ({
          name: each.name,
          hwaddr: each["hardware-address"] ?? null,
          addrs: addressesOf(each),
        })),
      };
    },
  };
}

function patienceOfAgent(timeout: number): number {
  if (timeout === timeouts.forever) return foreverMs;
  return timeout === timeouts.standard ? standardMs : timeout * 1000;
}

function parseCommand(text: string): { command: string; args: JsonObject } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw VirError.of(ErrorCode.internalError, ErrorDomain.none, `cannot parse json ${text}: ${String(error)}`, error);
  }
  const { execute, arguments: args = {} } = (json ?? {}) as JsonObject;
  if (typeof execute === "string") return { command: execute, args: args as JsonObject };
  throw VirError.of(ErrorCode.internalError, ErrorDomain.none, "the command has no member 'execute'");
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.qemu, detail);
}
