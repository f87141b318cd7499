import { array, hyper, int, optional, struct, uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { Domain, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

const FileSystem = struct("domain_fsinfo", {
  mountpoint: string,
  name: string,
  fstype: string,
  devAliases: array(string, 256),
});
const GuestAddress = struct("domain_ip_addr", { type: int, addr: string, prefix: uint });
const GuestInterface = struct("domain_interface", {
  name: string,
  hwaddr: optional(string),
  addrs: array(GuestAddress, 2_048),
});

/** What the guest's agent does for us; most of it fails without one. */
export const domainGuest = {
  /** The guest's name for itself. */
  domainGetHostname: proc(277, { args: { dom: Domain, flags: uint }, ret: { hostname: string }, acl: "domain:write" }),
  /** Gives free blocks of the guest's file systems back to the host. */
  domainFstrim: proc(294, {
    args: { dom: Domain, mountPoint: optional(string), minimum: uhyper, flags: uint },
    acl: "domain:fs_trim",
  }),
  /** Stops writing to file systems, all if none is named; says how many there were. */
  domainFsfreeze: proc(335, {
    args: { dom: Domain, mountpoints: array(string, 256), flags: uint },
    ret: { filesystems: int },
    acl: "domain:fs_freeze",
  }),
  /** Lets file systems be written to again; says how many there were. */
  domainFsthaw: proc(336, {
    args: { dom: Domain, mountpoints: array(string, 256), flags: uint },
    ret: { filesystems: int },
    acl: "domain:fs_freeze",
  }),
  /** The guest's clock, since 1970. */
  domainGetTime: proc(337, {
    args: { dom: Domain, flags: uint },
    ret: { seconds: hyper, nseconds: uint },
    acl: "domain:write",
  }),
  /** Sets the guest's clock, since 1970, or from its hardware clock. */
  domainSetTime: proc(338, {
    args: { dom: Domain, seconds: hyper, nseconds: uint, flags: uint },
    acl: "domain:set_time",
  }),
  /** File systems that the guest has mounted, and on which disks they are. */
  domainGetFsinfo: proc(349, {
    args: { dom: Domain, flags: uint },
    ret: { info: array(FileSystem, 256), ret: uint },
    acl: "domain:fs_freeze",
  }),
  /** Addresses of its network interfaces, from DHCP leases, the agent or ARP. The agent is more than reading. */
  domainInterfaceAddresses: proc(353, {
    args: { dom: Domain, source: uint, flags: uint },
    ret: { ifaces: array(GuestInterface, 2_048) },
    acl: "domain:read domain:write::source:VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT",
    readOnly: { unlessFlags: 1, argument: "source" },
  }),
  /** Sets a user's password in the guest. */
  domainSetUserPassword: proc(357, {
    args: { dom: Domain, user: optional(string), password: optional(string), flags: uint },
    acl: "domain:set_password",
  }),
  /** Which virtual CPUs the guest uses. */
  domainGetGuestVcpus: proc(371, {
    args: { dom: Domain, flags: uint },
    ret: { params: typedParams(64) },
    acl: "domain:write",
  }),
  /** Lets the guest use virtual CPUs or not; `cpumap` is a list as text. */
  domainSetGuestVcpus: proc(372, {
    args: { dom: Domain, cpumap: string, state: int, flags: uint },
    acl: "domain:write",
  }),
  /** Users, system, time zone, host name, file systems, disks, interfaces: what `types` choose; 0 means all. */
  domainGetGuestInfo: proc(418, {
    args: { dom: Domain, types: uint, flags: uint },
    ret: { params: typedParams(2_048) },
    acl: "domain:write",
  }),
  /** How long, in seconds, an answer of the agent is waited for: -2 for ever, -1 the default, 0 not at all. */
  domainAgentSetResponseTimeout: proc(420, {
    args: { dom: Domain, timeout: int, flags: uint },
    ret: { result: int },
    acl: "domain:write",
  }),
  /** Keys with which one may log in as a user. */
  domainAuthorizedSshKeysGet: proc(424, {
    args: { dom: Domain, user: string, flags: uint },
    ret: { keys: array(string, 2_048) },
    acl: "domain:write",
  }),
  /** Sets, adds or removes keys with which one may log in as a user. */
  domainAuthorizedSshKeysSet: proc(425, {
    args: { dom: Domain, user: string, keys: array(string, 2_048), flags: uint },
    acl: "domain:write",
  }),
} as const;
