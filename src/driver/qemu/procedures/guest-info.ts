import type { Definition, Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { formatCpuList, parseCpuList } from "../../tuning/cpu-list.ts";
import { type AgentLink, theAgent } from "../agent-link.ts";
import { notRunning } from "../errors.ts";
import { type AgentFileSystem, type AgentInterface, addressesOf, targetAt } from "../guest-agent/file-systems.ts";
import { guestReport, knownParts } from "../guest-agent/guest-report.ts";
import type { Guests } from "../guests.ts";
import { type LeaseSource, neighboursOf } from "../host-addresses.ts";
import { param } from "../statistics/subject.ts";
import { check, has } from "./asked.ts";

const keys = { append: 1, remove: 2 };

/** What is known of a guest's inside: by its agent, and by its addresses. No job of the domain is in the way of that. */
export function guestInfoProcedures(guests: Guests, leasesOf: LeaseSource): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const reach = (dom: WireDomain): { agent: AgentLink; definition: Definition } => {
    const domain = find(dom);
    const run = guests.runOf(domain);
    const { definition } = domain;
    if (run === undefined || definition === undefined) throw notRunning();
    return { agent: theAgent(run.agent), definition };
  };
  return {
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
      if ((types & ~knownParts) !== 0)
        throw wrong(`unsupported guest information types '0x${(types & ~knownParts).toString(16)}'`);
      return { params: await guestReport(agent, definition, types) };
    },
    domainGetGuestVcpus: async ({ dom, flags }) => {
      check(flags, 0, "qemuDomainGetGuestVcpus");
      const all = (await reach(dom).agent.execute("guest-get-vcpus")) as readonly JsonObject[];
      const those = (test: (each: JsonObject) => boolean): string =>
        formatCpuList(all.filter(test).map((each) => Number(each["logical-id"])));
      return {
        params: [
          param.string(
            "vcpus",
            those(() => true),
          ),
          param.string(
            "online",
            those(({ online }) => online === true),
          ),
          param.string(
            "offlinable",
            those((each) => each["can-offline"] === true),
          ),
        ],
      };
    },
    domainSetGuestVcpus: async ({ dom, cpumap, state, flags }) => {
      check(flags, 0, "qemuDomainSetGuestVcpus");
      if (state !== 0 && state !== 1) throw wrong("unsupported state value");
      const vcpus = parseCpuList(cpumap).map((id) => ({ "logical-id": id, online: state === 1 }));
      await reach(dom).agent.execute("guest-set-vcpus", { vcpus });
    },
    domainAuthorizedSshKeysGet: async ({ dom, user, flags }) => {
      check(flags, 0, "qemuDomainAuthorizedSSHKeysGet");
      const answer = (await reach(dom).agent.execute("guest-ssh-get-authorized-keys", {
        username: user,
      })) as JsonObject;
      return { keys: answer["keys"] as readonly string[] };
    },
    domainAuthorizedSshKeysSet: async ({ dom, user, keys: given, flags }) => {
      check(flags, keys.append | keys.remove, "qemuDomainAuthorizedSSHKeysSet");
      const { agent } = reach(dom);
      const args = { username: user, keys: given };
      if (has(flags, keys.remove)) await agent.execute("guest-ssh-remove-authorized-keys", args);
      else await agent.execute("guest-ssh-add-authorized-keys", { ...args, reset: !has(flags, keys.append) });
    },
    ...addressProcedures(guests, leasesOf, reach),
  };
}

/** virDomainInterfaceAddressesSource */
const sources = { lease: 0, agent: 1, arp: 2 };

function addressProcedures(
  guests: Guests,
  leasesOf: LeaseSource,
  reach: (dom: WireDomain) => { agent: AgentLink },
): Pick<DriverProcedures, "domainInterfaceAddresses"> {
  return {
    domainInterfaceAddresses: async ({ dom, source, flags }) => {
      check(flags, 0, "qemuDomainInterfaceAddresses");
      const domain = guests.domains.byUuid(dom.uuid, dom.name);
      const { definition } = domain;
      if (guests.runOf(domain) === undefined || definition === undefined) throw notRunning();
      if (source === sources.lease) return { ifaces: await leasesOf(definition) };
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

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}
