import type { Choice } from "../objects/flag-filter.ts";

/** virConnectListAllNodeDeviceFlags, from the lowest bit on. */
const names = (
  "system pci usb_device usb net scsi_host scsi_target scsi storage fc_host vports scsi_generic drm mdev_types mdev " +
  "ccw css vdpa ap_card ap_queue ap_matrix vpd"
).split(" ");

/** By what a device can do, in these words. */
export const capabilityFilters: readonly Choice<{ readonly capabilities: ReadonlySet<string> }>[] = names.map(
  (name, index) => [1 << index, ({ capabilities }) => capabilities.has(name)],
);
