import type { Element } from "../xml/index.ts";
import { arrange, placesOf } from "./objects/xml-places.ts";

/** In which order libvirt shows the parts of an element; what is not named keeps its place behind them. */
const orders: Readonly<Record<string, readonly string[]>> = {
  domain: (
    "name uuid genid title description metadata maxMemory memory currentMemory blkiotune memtune memoryBacking vcpu " +
    "vcpus iothreads iothreadids cputune numatune resource sysinfo bootloader bootloader_args os idmap features cpu " +
    "clock on_poweroff on_reboot on_crash on_lockfailure pm perf devices seclabel launchSecurity"
  ).split(" "),
  os: "type init initarg initenv initdir inituser initgroup loader nvram kernel initrd cmdline dtb boot bootmenu".split(
    " ",
  ),
  devices: (
    "emulator disk controller lease filesystem interface smartcard serial parallel console channel input tpm graphics " +
    "sound audio video hostdev redirdev redirfilter hub watchdog memballoon rng nvram panic shmem memory iommu vsock"
  ).split(" "),
  cputune: (
    "shares period quota global_period global_quota emulator_period emulator_quota iothread_period iothread_quota " +
    "vcpupin emulatorpin iothreadpin vcpusched iothreadsched emulatorsched"
  ).split(" "),
  iotune: (
    "total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec total_bytes_sec_max " +
    "read_bytes_sec_max write_bytes_sec_max total_iops_sec_max read_iops_sec_max write_iops_sec_max size_iops_sec " +
    "group_name total_bytes_sec_max_length read_bytes_sec_max_length write_bytes_sec_max_length " +
    "total_iops_sec_max_length read_iops_sec_max_length write_iops_sec_max_length"
  ).split(" "),
  blkiotune: ["weight", "device"],
  device: "path weight read_iops_sec write_iops_sec read_bytes_sec write_bytes_sec".split(" "),
  memtune: ["hard_limit", "soft_limit", "min_guarantee", "swap_hard_limit"],
  bandwidth: ["inbound", "outbound"],
  disk: (
    "auth driver source backingStore mirror target iotune readonly shareable transient serial wwn vendor product " +
    "encryption boot alias address"
  ).split(" "),
  interface: (
    "mac source backend virtualport portgroup vlan ip bandwidth target guest model driver filterref boot rom mtu link " +
    "alias address"
  ).split(" "),
};

const attributeOrders: Readonly<Record<string, readonly string[]>> = {
  vcpu: ["placement", "cpuset", "current"],
  type: ["arch", "machine"],
  disk: ["type", "device"],
  inbound: ["average", "peak", "floor", "burst"],
};

const places = placesOf(orders);
const attributePlaces = placesOf(attributeOrders);

/** Puts what is in a domain's definition, or in a part of one, into libvirt's order. */
export function arrangeDomain(element: Element): void {
  arrange(element, places, attributePlaces);
}
