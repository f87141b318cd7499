/**
 * Everything of Debian's that the lab unpacks into its cache; nothing of it is installed. The library packages are named
 * one by one because apt, asked to resolve them, would want an initramfs generator and an upgrade of systemd as well.
 */
export const xenPackages = [
  "xen-hypervisor-4.17-amd64",
  "xen-utils-4.17",
  "xen-utils-common",
  "xenstore-utils",
  "libxen-dev",
  "libxencall1",
  "libxendevicemodel1",
  "libxenevtchn1",
  "libxenforeignmemory1",
  "libxengnttab1",
  "libxenhypfs1",
  "libxenmisc4.17",
  "libxenstore4",
  "libxentoolcore1",
  "libxentoollog1",
  "libyajl2",
  "busybox-static",
  // Beside whose own Xen driver ours is measured.
  "libvirt-daemon-driver-xen",
];

/** Names the package of the current kernel; the kernel for clouds, which is smaller, can neither be dom0 nor mount 9p. */
export const kernelPackage = "linux-image-amd64";

/** Loaded by dom0's initramfs in this order: what it takes to reach the root, then Xen's devices, then the backends. */
export const kernelModules = [
  "virtio_ring",
  "virtio",
  "virtio_pci_legacy_dev",
  "virtio_pci_modern_dev",
  "virtio_pci",
  "9pnet",
  "9pnet_virtio",
  "netfs",
  "fscache",
  "9p",
  "overlay",
  "xen-evtchn",
  "xen-gntdev",
  "xen-gntalloc",
  "xen-privcmd",
  "xenfs",
  "loop",
  "xen-blkback",
  "llc",
  "stp",
  "bridge",
  "xen-netback",
];

/** Loaded by the small Linux guest of QEMU (lab/guest), in this order. */
export const guestModules = [
  "virtio_ring",
  "virtio",
  "virtio_pci_legacy_dev",
  "virtio_pci_modern_dev",
  "virtio_pci",
  "virtio_blk",
  "virtio_console",
  "virtio_balloon",
  "failover",
  "net_failover",
  "virtio_net",
  "evdev",
  "button",
];

/** Programs of this machine that the lab runs, and the packages that have them. */
export const hostPrograms = [
  { program: "qemu-system-x86_64", package: "qemu-system-x86" },
  { program: "setpriv", package: "util-linux" },
  { program: "gcc", package: "gcc" },
  { program: "xz", package: "xz-utils" },
  { program: "apt-get", package: "apt" },
  { program: "dpkg-deb", package: "dpkg" },
];
