#!/bin/busybox sh
# First process of dom0, in the initramfs. Its root becomes the host's (9p, read-only), with the Xen packages that the lab
# has unpacked laid over it and a tmpfs for what is written.
bb=/bin/busybox
fail() { echo "lab: $*"; $bb poweroff -f; }
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb mount -t devtmpfs dev /dev
while read -r module; do $bb insmod "/modules/$module.ko" || echo "lab: module $module does not load"; done < /modules/order
share() { $bb mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144,$3" "$1" "$2" || fail "no 9p share $1"; }
share host /host ro,cache=loose
share tools /tools ro,cache=loose
$bb mount -t tmpfs -o size=50% tmpfs /overlay
$bb mkdir /overlay/upper /overlay/work
$bb mount -t overlay -o lowerdir=/tools:/host,upperdir=/overlay/upper,workdir=/overlay/work overlay /root || fail "no overlay"
for mount in proc sys dev; do $bb mount --move /$mount /root/$mount; done
$bb mount -t tmpfs tmpfs /root/run
$bb mkdir /root/run/lab /root/run/lab-cache
share lab /root/run/lab rw,cache=none
share cache /root/run/lab-cache rw,cache=loose
exec $bb switch_root /root /bin/bash /run/lab/dom0.sh
