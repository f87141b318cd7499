#!/bin/busybox sh
# The first process of the small Linux guest: a shell on the console, and the power button obeyed.
/bin/busybox mkdir -p /dev /proc /sys /etc/acpi/PWRF /tmp /var/log /var/run
/bin/busybox mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ PS1='guest# '
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do insmod "/modules/$module.ko"; done </modules/order
printf '#!/bin/sh\npoweroff -f\n' >/etc/acpi/PWRF/00000080
chmod +x /etc/acpi/PWRF/00000080
acpid
echo "guest is ready"
# Its shell may end; the guest goes on until it is told otherwise.
while :; do setsid cttyhack sh; done
