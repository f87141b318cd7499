import { DomainState, ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags, internal, invalid, invalidArgument } from "./failure.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

/** virDomainInterfaceAddressesSource. */
const addressSources = 3;
/** virKeycodeSet; which of the lower numbers a key has is not checked. */
const codesets = ["linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb", "win32", "qnum"];
const mountpoints = ["/", "/boot"];
/** Signals are numbered below this (virDomainProcessSignal). */
const signalLimit = 65;

/** What a guest's agent would answer, and a person at its keyboard do. */
export function agentProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  const active = (dom: WireDomain): Guest => {
    const guest = find(dom);
    guest.checkActive();
    return guest;
  };
  return {
    domainGetHostname: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainGetHostname");
      return { hostname: `${active(dom).name}host` };
    },
    domainGetTime: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainGetTime");
      const guest = find(dom);
      if (guest.status.state !== DomainState.running) throw invalid("domain is not running");
      return { ...guest.time };
    },
    domainSetTime: ({ dom, seconds, nseconds, flags }) => {
      checkFlags(flags, 1, "testDomainSetTime");
      active(dom).time = { seconds, nseconds };
    },
    domainInterfaceAddresses: ({ dom, source, flags }) => {
      checkFlags(flags, 0, "testDomainInterfaceAddresses");
      if (source >= addressSources) {
        const detail = `Unknown IP address data source ${source}`;
        throw VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.test, detail);
      }
      return { ifaces: addressesOf(active(dom)) };
    },
    domainSendKey: ({ dom, codeset, keycodes, flags }) => {
      checkFlags(flags, 0, "testDomainSendKey");
      const wrong = keycodes.find((code) => code > 255);
      if (wrong !== undefined) throw internal(`invalid keycode ${wrong} of ${codesets[codeset]} codeset`);
      active(dom);
    },
    domainSendProcessSignal: ({ dom, pidValue, signum, flags }) => {
      checkFlags(flags, 0, "testDomainSendProcessSignal");
      if (pidValue !== 1n) throw invalidArgument("only sending a signal to pid 1 is supported");
      if (signum >= signalLimit) throw invalidArgument(`signum value ${signum} is out of range`);
      find(dom);
    },
    domainInjectNmi: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainInjectNMI");
      active(dom);
    },
    domainSetUserPassword: ({ dom, flags }) => {
      checkFlags(flags, 1, "testDomainSetUserPassword");
      active(dom);
    },
    ...fileSystemProcedures(active),
  };
}

function fileSystemProcedures(active: (dom: WireDomain) => Guest): DriverProcedures {
  return {
    domainGetFsinfo: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainGetFSInfo");
      const disk = active(dom).definition.disks.find(({ device }) => device === "disk");
      if (disk === undefined) return { info: [], ret: 0 };
      const { target } = disk;
      const info = mountpoints.map((mountpoint, index) => {
        return { mountpoint, name: `${target}${index + 1}`, fstype: "ext4", devAliases: [target] };
      });
      return { info, ret: info.length };
    },
    domainFsfreeze: ({ dom, mountpoints: chosen, flags }) => {
      checkFlags(flags, 0, "testDomainFSFreeze");
      const { frozen } = active(dom);
      const before = frozen.size;
      for (const point of known(chosen)) frozen.add(point);
      return { filesystems: frozen.size - before };
    },
    domainFsthaw: ({ dom, mountpoints: chosen, flags }) => {
      checkFlags(flags, 0, "testDomainFSThaw");
      const { frozen } = active(dom);
      return { filesystems: known(chosen).filter((point) => frozen.delete(point)).length };
    },
    domainFstrim: ({ dom, mountPoint, flags }) => {
      checkFlags(flags, 0, "testDomainFSTrim");
      active(dom);
      if (mountPoint !== null && !mountpoints.includes(mountPoint))
        throw invalid(`mount point not found: ${mountPoint}`);
    },
  };
}

/** Those of the file systems that are meant: all, if none is named. */
function known(chosen: readonly string[]): string[] {
  const unknown = chosen.find((point) => !mountpoints.includes(point));
  if (unknown !== undefined) throw invalid(`mount point not found: ${unknown}`);
  return mountpoints.filter((point) => chosen.length === 0 || chosen.includes(point));
}

/** Each domain has twenty addresses of the default network, from its id on; what is on no network is numbered. */
function addressesOf({ definition, id }: Guest) {
  const interfaces = definition.root.first("devices")?.all("interface") ?? [];
  return interfaces.map((each, index) => {
    const ofNetwork = `192.168.122.${((id - 1) * 20 + 3 + index) % 256}`;
    const addr = each.attribute("type") === "network" ? ofNetwork : `192.168.0.${1 + index}`;
    return {
      name: each.first("target")?.attribute("dev") ?? `net${index}`,
      hwaddr: each.first("mac")?.attribute("address") ?? null,
      addrs: [{ type: 0, addr, prefix: 24 }],
    };
  });
}
