/** Command lines that are to be answered as by virsh, in this order; PLACE is a directory, and _ a space in XML. */
export const testLines = `
list
list --all
list --all --title
list --inactive
list --name
list --uuid
list --id
list --name --uuid --all
list --uuid --all
list --persistent
list --transient
list --all --autostart
list --all --no-autostart
list --state-running
list --state-paused
list --all --state-shutoff
list --with-snapshot
list --without-snapshot
list --table --uuid
dominfo test
dominfo 1
dominfo 6695eb01-f6a4-8304-79aa-97f2502e193f
dominfo nosuch
domstate test
domstate test --reason
domstate nosuch
domid test
domuuid test
domname 1
domblklist test
domiflist test
vcpucount test
dumpxml test
dumpxml test --inactive
dumpxml nosuch
suspend test
domstate test
domstate test --reason
list
suspend test
resume test
domstate test --reason
resume test
setmem test 1000000
setmem test 18446744073709551615
setmem test 18014398509481984
setmem test 16E
setmem test 1x
setmem test -1
setmem test 99999999999999999999999
setvcpus test 99999999999
setvcpus test 4294967296
setvcpus test -1
setvcpus test 0x2
setvcpus test +1
vcpupin test 99999999999 0
send-key test 30 --holdtime 99999999999
domstate 99999999999
dominfo 2147483648
freepages --cellno 99999999999
migrate-setmaxdowntime test 99999999999999999999999
migrate-setmaxdowntime test 9223372036854775808
migrate-compcache test --size 99999999999999999999999
event --all --timeout 2147484
event --all --timeout 0
setvcpus test 1
vcpucount test
dominfo test
autostart test
dominfo test
list --autostart
autostart test --disable
reboot test
destroy test
destroy test
list
list --all
domid test
domstate test --reason
dominfo test
vcpucount test
start test
start test
start nosuch
list --all
shutdown test
shutdown test
list --all --state-shutoff
start test --paused
domstate test
resume test
define PLACE/small.xml
list --all
dominfo small
start small
list
destroy small
undefine small
undefine small
define PLACE/bad.xml
create PLACE/small.xml
list --transient
dominfo small
save small PLACE/small.save
list --all
restore PLACE/small.save
list
destroy small
restore PLACE/nosuch.save
nodeinfo
hostname
maxvcpus
version
capabilities
net-list
net-list --all
net-list --inactive
net-info default
net-info nosuch
net-uuid default
net-dumpxml default
net-destroy default
net-destroy default
net-list
net-list --all
net-info default
net-start default
net-start default
net-autostart default
net-list
net-autostart default --disable
net-undefine nosuch
pool-list
pool-list --all
pool-list --details
pool-info default-pool
pool-info nosuch
pool-uuid default-pool
pool-dumpxml default-pool
pool-refresh default-pool
pool-destroy default-pool
pool-list
pool-list --all
pool-info default-pool
pool-start default-pool
vol-list default-pool
net-list --name
net-list --uuid
net-list --persistent
net-list --transient --all
net-list --autostart
net-list --no-autostart
net-list --table
net-list --title
net-name default
net-name ef861801-45b9-11cb-88e3-afbfe5370493
net-name dd8fe884-6c02-601e-7551-cca97df1c5df
net-define PLACE/net.xml
net-define PLACE/nosuch.xml
net-info n1
net-undefine n1
net-create PLACE/net.xml
net-create PLACE/net.xml
net-list
net-dumpxml n1
net-destroy n1
net-dhcp-leases default
net-dhcp-leases nosuch
net-update default add ip-dhcp-host <host_mac='52:54:00:00:00:01'_ip='192.168.122.9'/> --live
net-update default add-last ip-dhcp-host <host_mac='52:54:00:00:00:02'_ip='192.168.122.10'/>
net-update default delete ip-dhcp-host <host_mac='52:54:00:00:00:01'_ip='192.168.122.9'/> --live --config
net-update default add-first ip-dhcp-host <host_mac='52:54:00:00:00:03'_ip='192.168.122.11'/> --config
net-update default delete ip-dhcp-host <host_mac='52:54:00:00:00:09'_ip='192.168.122.19'/>
net-update default frob ip-dhcp-host <host/>
net-update default add frob <host/>
net-update default add bridge PLACE/nosuch.xml
net-update default add ip <ip/> --parent-index x
net-dumpxml default
net-dumpxml default --inactive
pool-list --name
pool-list --uuid
pool-list --persistent
pool-list --transient
pool-list --autostart
pool-list --no-autostart
pool-list --type dir
pool-list --type netfs
pool-list --type frob
pool-info default-pool --bytes
pool-name default-pool
pool-name dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566
pool-define PLACE/pool.xml
pool-list --all --details
pool-build p1
pool-start p1
pool-start p1
pool-info p1
pool-list
pool-autostart p1
pool-list --autostart
pool-autostart p1 --disable
pool-destroy p1
pool-delete p1
pool-undefine p1
pool-undefine p1
pool-create PLACE/pool.xml
pool-create PLACE/pool.xml
pool-create-as p2 dir --target /tmp/p2
pool-define-as p3 dir --target /tmp/p3
pool-define-as p3 dir --target /tmp/p3 --print-xml
pool-define-as p4 netfs --source-host h --source-path /x --target /tmp/p4 --print-xml
pool-create-as p5 logical --source-dev /dev/sda --source-name vg --target /dev/vg --print-xml
pool-create-as p5 fs --source-dev /dev/sda --source-format ext4 --target /x --print-xml
pool-build p1 --overwrite --no-overwrite
pool-define-as p9
pool-destroy p1
pool-destroy p2
vol-create-as default-pool va 10M
vol-create-as default-pool va 10M
vol-create-as default-pool vb 1G --allocation 0 --format qcow2
vol-create-as default-pool vc 1G --print-xml
vol-create-as default-pool vc 1G --format qcow2 --backing-vol va --backing-vol-format raw --print-xml
vol-create-as default-pool vc frob
vol-create-as nosuch vc 1G
vol-create default-pool PLACE/vol.xml
vol-create default-pool PLACE/nosuch.xml
vol-list default-pool
vol-list default-pool --details
vol-list nosuch
vol-info va default-pool
vol-info va --pool default-pool
vol-info va --pool default-pool --bytes
vol-info va --pool default-pool --bytes --physical
vol-info nosuch --pool default-pool
vol-info va --pool nosuch
vol-info /default-pool/va
vol-info nosuch
vol-dumpxml va default-pool
vol-path va default-pool
vol-key va default-pool
vol-name /default-pool/va
vol-pool /default-pool/va
vol-pool /default-pool/va --uuid
vol-clone va vaclone --pool default-pool
vol-clone va vx --pool default-pool --print-xml
vol-clone va va --pool default-pool
vol-create-from default-pool PLACE/vol2.xml va
vol-create-from default-pool PLACE/vol2.xml va --inputpool default-pool
vol-list default-pool
vol-resize va 20M --pool default-pool
vol-resize va frob --pool default-pool
vol-resize va 1M --delta --pool default-pool
vol-wipe va --pool default-pool
vol-wipe va --pool default-pool --algorithm dod
vol-wipe va --pool default-pool --algorithm frob
vol-delete va --pool default-pool
vol-delete va --pool default-pool
vol-upload vb PLACE/vol.xml --pool default-pool
vol-upload vb PLACE/nosuch.xml --pool default-pool
vol-download vb PLACE/out --pool default-pool
snapshot-list test
snapshot-current test
snapshot-create-as test s0 first
snapshot-create-as test s0
snapshot-create test PLACE/snapshot.xml
snapshot-create test PLACE/nosuch.xml
snapshot-create-as test s2 --halt
snapshot-list test
snapshot-list test --name
snapshot-list test --parent
snapshot-list test --roots
snapshot-list test --leaves
snapshot-list test --no-leaves
snapshot-list test --tree
snapshot-list test --tree --name
snapshot-list test --current
snapshot-list test --descendants
snapshot-list test --from s0
snapshot-list test --from s0 --descendants
snapshot-list test --from s0 --tree
snapshot-list test --from nosuch
snapshot-list test --internal
snapshot-list test --external
snapshot-list test --inactive
snapshot-list test --topological --name
snapshot-list nosuch
snapshot-current test --name
snapshot-info test s0
snapshot-info test --current
snapshot-info test s0 --current
snapshot-info test nosuch
snapshot-info test
snapshot-parent test s1
snapshot-parent test s0
snapshot-parent test --current
snapshot-dumpxml test s1
snapshot-dumpxml test
snapshot-create-as test s9 --print-xml
snapshot-create-as test s9 desc --disk-only --diskspec vda,file=/tmp/x --print-xml
snapshot-create-as test s9 desc --memspec /m,snapshot=external vda,snapshot=external,driver=qcow2,stype=block,file=/a,,b vdb,snapshot=no --print-xml
snapshot-create-as test s9 --diskspec vda,frob=1 --print-xml
snapshot-revert test s0
snapshot-revert test nosuch
snapshot-current test --name
snapshot-current test s1
snapshot-current test nosuch
snapshot-delete test s1
snapshot-delete test s0 --children-only
snapshot-list test --tree
snapshot-create-as test s3
snapshot-delete test s0 --children
snapshot-delete test nosuch
snapshot-list test
start test
domblkinfo test vda
domblkinfo test vdz
domblkinfo test --all
domblkstat test
domblkstat test vdz
domifstat test net0
domif-getlink test x
domif-getlink test testnet0
domif-getlink test aa:bb:cc:dd:ee:ff
domif-setlink test testnet0 down
domif-setlink test testnet0 sideways
dommemstat nosuch
domstats
domstats test
domstats test --state --vcpu
domstats --state --raw
domstats --list-inactive
domstats nosuch
domifaddr test
domifaddr test --full
domifaddr test --interface testnet0
domifaddr test --source frob
domblkerror test
domcontrol test
domblklist test --details
domblklist test --inactive
domiflist test --inactive
vcpuinfo test
vcpuinfo test --pretty
vcpupin test
vcpupin test 0
vcpupin test 0 0-1
vcpupin test 0 0-3,^2
vcpupin test 0 frob
vcpupin test 9 0
vcpupin test --cpulist 1
emulatorpin test
vcpucount test --maximum
vcpucount test --active --live
vcpucount test --current --config
vcpucount test --live --current
vcpucount test --active --maximum
setmaxmem test 9000000
setmem test 2G
setmem test 2000000 --config
setmem test abc
setmem test 1000000 --live --current
setmem test
setvcpus test 40
setvcpus test 0
setvcpus test abc
setvcpus test 2 --config
setvcpus test 2 --live
setvcpus test 2 --guest --config
domjobinfo test
domjobabort test
managedsave test
list --all --managed-save
managedsave-dumpxml test
managedsave-remove test
managedsave-remove test
managedsave-define test PLACE/nosuch.xml
start test
save test PLACE/t.save
save-image-dumpxml PLACE/t.save
save-image-define PLACE/t.save PLACE/nosuch.xml
save-image-dumpxml PLACE/nosuch.save
restore PLACE/t.save
dump test PLACE/core
dump test PLACE/core --format elf
dump test PLACE/core --live --crash
dump test PLACE/core --memory-only --format frob
desc test
desc test --title
desc test hello
desc test --title hello title
desc test
desc test --title
domrename test other
vncdisplay test
ttyconsole test
domhostname test
domfsinfo test
inject-nmi test
attach-device test PLACE/disk.xml
attach-device test PLACE/nosuch.xml
attach-device test PLACE/disk.xml --config
attach-device test PLACE/disk.xml --live --current
attach-disk test /tmp/d.img vdb
attach-disk test /tmp/d.img vdb --print-xml
attach-disk test /tmp/d.img vdb --driver qemu --subdriver qcow2 --cache none --mode readonly --type cdrom --targetbus ide --serial abc --print-xml
attach-disk test /dev/sda vdb --sourcetype block --shareable --print-xml
attach-disk test /dev/sda vdb --io native --iothread 1 --wwn 5000c50015ea71ad --alias ua-x --rawio --print-xml
attach-disk test /dev/null vdb --mode frob
attach-disk test
attach-interface test network default --print-xml
attach-interface test network default --mac 52:54:00:00:00:01 --model virtio --target vnet7 --print-xml
attach-interface test bridge br0 --config --print-xml
attach-interface test direct eth0 --source-mode bridge --alias ua-y --script /x --managed --print-xml
attach-interface test network default --inbound 100,200,300 --outbound 50 --print-xml
attach-interface test frob default --print-xml
attach-interface test network default
detach-disk test vda
detach-disk test vdz
detach-interface test network
detach-interface test bridge
detach-interface test network --mac 00:00:00:00:00:01
detach-device test PLACE/disk.xml
detach-device-alias test ua-x
update-device test PLACE/disk.xml
change-media test hdc --eject
change-media test vda --insert
console test
event --list
event
event --event frob
event --all --event reboot
event nosuch --all --timeout 1
event --all --timeout x
event --all --timeout 0
event --all --timeout 1
event --all --loop --timeout 1 test
edit test
net-edit default
pool-edit default-pool
dominfo
list --bogus
list --all=1
list --all --all
list frob
domstate
domstate --domain
`
  .trim()
  .split("\n");

/** The same, with --quiet. */
export const quietLines = `
list
list --all --name
list --inactive
suspend test
resume test
dominfo test
domstate test
vcpupin test
net-list
net-destroy default
net-start default
net-autostart default
net-autostart default --disable
net-define PLACE/net.xml
net-undefine n1
net-info default
pool-list --details
pool-define-as pz dir - - - - /path
pool-define-as pz dir - - - - /path --print-xml
pool-undefine pz
vol-create-as default-pool v1 10M
vol-create-as default-pool v2 10M --print-xml
vol-clone v1 v3 --pool default-pool
vol-list default-pool
vol-delete v1 default-pool
snapshot-create-as test s1
snapshot-create-as test s2 --print-xml
snapshot-list test
snapshot-current test --name
snapshot-current test s1
snapshot-delete test s1
desc test some words
desc test
metadata test urn:a --key a --set <a/>
metadata test urn:a
metadata test urn:a --remove
save test PLACE/quiet.save
restore PLACE/quiet.save
managedsave test
start test
dump test PLACE/quiet.dump
set-user-password test root secret
screenshot test PLACE/quiet.png
domfsfreeze test
domfsthaw test
domrename test renamed
hostname
reboot test --mode acpi
shutdown test
start test
destroy test
define PLACE/small.xml
edit small
undefine small
create PLACE/small.xml
suspend nosuch
event --all --timeout 1
`
  .trim()
  .split("\n");

/** The same, about options and their places: what a line shows is what virsh would send. */
export const optionLines = `
attach-disk test src vdb --print-xml --address pci:0000.00.0x0a.0x0
attach-disk test src vdb --print-xml --address pci:0x10.0xff.31.7
attach-disk test src vdb --print-xml --address pci:1.2.fff.9
attach-disk test src vdb --print-xml --address ccw:0xfe.0.0001
attach-disk test src vdb --print-xml --address scsi:0.0.1
attach-disk test src vdb --print-xml --address foo
attach-disk test src vdb --print-xml --address pci:x
attach-disk test src sda --print-xml --address scsi:1.2.3
attach-disk test src sda --print-xml --address usb:1.2
attach-disk test src sda --print-xml --address sata:0.0.01
attach-disk test src sda --print-xml --address pci:1.2.3.4
attach-disk test src sda --print-xml --address scsi:1
attach-disk test src hda --print-xml --address ide:0.1.2
attach-disk test src hda --print-xml --address usb:1.2
attach-disk test src xvda --print-xml --address pci:1.2.3.4
attach-disk test src xvda --print-xml --address usb:1.2.3
attach-disk test src vdb --print-xml --address pci:0.0.1.0 --multifunction
attach-disk test src vdb --print-xml --multifunction
attach-disk test src vdb --print-xml --source-protocol nbd
attach-disk test src vdb --print-xml --source-protocol nbd --source-host-name h:10809
attach-disk test src vdb --print-xml --source-protocol nbd --source-host-name h --source-host-transport tcp
attach-disk test src vdb --print-xml --source-protocol nbd --source-host-transport unix --source-host-socket /s
attach-disk test src vdb --print-xml --source-host-name h
attach-disk test src vdb --print-xml --source-protocol nbd --source-host-socket /s
attach-disk test src vdb --print-xml --sourcetype network
attach-disk test src vdb --print-xml --sourcetype network --source-protocol nbd
attach-disk test src vdb --print-xml --sourcetype block --source-protocol nbd
attach-disk test src vdb --print-xml --sourcetype foo
attach-disk test src vdb virtio qemu qcow2 1 none native cdrom readonly file s 5000c50015ea71ad ua-a pci:0.0.1.0 --print-xml
attach-interface test network default vnet7 52:54:00:00:00:01 /s virtio ua-n 1,2,3 4,5,6 --print-xml
pool-define-as pz dir - - - - /path --print-xml
pool-define-as pz iscsi h /p d n /t f chap u us --print-xml
pool-define-as pz iscsi --source-host h --auth-type chap --auth-username u --secret-uuid x --adapter-name a --source-dev d --print-xml
pool-define-as pz iscsi --secret-usage a --secret-uuid b --print-xml
pool-define-as pz iscsi --source-host h --auth-type chap --print-xml
pool-define-as pz iscsi --auth-type chap --auth-username u --secret-usage us --print-xml
pool-define-as pz scsi --adapter-name host1 --print-xml
pool-create-as pz scsi --adapter-wwnn n --adapter-wwpn p --adapter-parent host2 --print-xml
pool-define-as pz scsi --adapter-wwnn n --print-xml
pool-define-as pz scsi --adapter-name host1 --adapter-wwnn n --adapter-wwpn p --adapter-parent-wwnn a --adapter-parent-wwpn b --print-xml
pool-define-as pz scsi --adapter-wwnn n --adapter-wwpn p --adapter-parent-fabric-wwn a --print-xml
pool-define-as pz netfs --source-host h --source-path /p --source-protocol-ver 4 --print-xml
pool-define-as pz netfs --source-protocol-ver 4 --print-xml
pool-define-as pz iscsi --source-initiator iqn --source-name n --print-xml
vol-create-as default-pool v1 10M 5M qcow2 --print-xml
detach-interface test network 52:54:00:00:00:01
domblkstat test vda --human
domblkstat test --human
dommemstat test --period -1
dommemstat test --period x
dommemstat test --period 5
dommemstat test --live --current
dommemstat test --period 5 --live --config
uri
event --all --timeout 0
event --all --timeout 2147484
net-event --event lifecycle --timeout 99999999999
blockcopy test vda /x --wait --timeout 3000000
domhostname test --source foo
domhostname test --source agent
domhostname test --source lease
domhostname test
domhostname test agent
domtime test --now --sync
domtime test --now --time 5
domtime test --time 5 --sync
domtime test --time x
domtime test --now --pretty
domtime test --time 5
domtime test 5
domtime test --sync
maxvcpus --type test
maxvcpus test
version --daemon
shutdown test --mode foo
shutdown test --mode acpi,agent
shutdown test agent
reboot test --mode acpi
reboot test agent,foo
desc test --edit
desc test one two --edit
desc test --edit --title
desc test
destroy test --remove-logs
destroy test --graceful --remove-logs
destroy test
list --all --id
list --all --id --name
list --all --name --id --uuid
list --id
list --table --name --id
list --all --id --table
start test --reset-nvram
start test
create PLACE/small.xml --autodestroy
domid small
create PLACE/small.xml --reset-nvram
create PLACE/small.xml --validate
undefine test --tpm --keep-tpm
undefine test --nvram --keep-nvram
undefine test --tpm
`
  .trim()
  .split("\n");

/** The same, of what hosts are, what domains may use, and what happens inside guests. */
export const hostLines = `
freecell
freecell --all
freecell --all --cellno 0
freepages 0 2048
freepages --all
freepages --cellno -2
nodecpumap
nodecpumap --pretty
nodecpustats
nodecpustats --cpu 0
nodecpustats --cpu -3
nodememstats
node-memory-tune
node-memory-tune 100
nodesuspend mem 60
nodesevinfo
cpu-models x86_64
cpu-compare PLACE/cpu.xml
cpu-compare PLACE/net.xml
cpu-baseline PLACE/cpu.xml
cpu-baseline PLACE/cpus.xml --features
hypervisor-cpu-compare PLACE/cpu.xml
hypervisor-cpu-baseline PLACE/cpu.xml
hypervisor-cpu-baseline
domcapabilities
pool-capabilities
sysinfo
secret-dumpxml nosuch
nodedev-list
nodedev-list --tree
nodedev-list --cap system
nodedev-list --cap frob
nodedev-list --cap net,scsi_host
nodedev-info computer
nodedev-info nosuch
nodedev-dumpxml computer
nodedev-dumpxml nosuch
nodedev-create PLACE/nodedev.xml
nodedev-define PLACE/nodedev.xml
nodedev-destroy nosuch
nodedev-destroy computer
nodedev-reset computer
nodedev-detach computer
iface-list
iface-list --all
iface-list --inactive
iface-name aa:bb:cc:dd:ee:ff
iface-mac eth1
iface-mac nosuch
iface-dumpxml eth1
iface-dumpxml eth1 --inactive
iface-begin
iface-begin
iface-define PLACE/iface.xml
iface-list --all
iface-start eth9
iface-destroy eth9
iface-undefine eth9
iface-undefine nosuch
iface-rollback
iface-rollback
iface-begin
iface-commit
iface-commit
iface-edit eth1
iface-bridge eth1 br9
iface-bridge eth1 eth1
iface-bridge nosuch br9
iface-unbridge eth1
iface-unbridge nosuch
nwfilter-dumpxml nosuch
nwfilter-define PLACE/nwfilter.xml
net-port-create default PLACE/port.xml
net-event --list
net-event --event frob
net-event --event lifecycle --timeout 1
secret-event --list
memtune test
memtune test --hard-limit 1000000
memtune test
memtune test 2G --soft-limit -1
memtune test
memtune test --hard-limit abc
memtune test --config --live --current
blkiotune test
blkiotune test --weight 500
blkiotune test --weight 0
numatune test
numatune test --mode strict --nodeset 0
numatune test
numatune test --mode frob
schedinfo test
schedinfo test --weight 100
schedinfo test --set weight=60
schedinfo test --set frob=1
schedinfo test --cap 3
schedinfo test --config
schedinfo test --weight abc
blkdeviotune test vda
blkdeviotune test vda --total-bytes-sec 1000
blkdeviotune test vda
blkdeviotune test vda --total-bytes-sec 1000 --read-bytes-sec 2
blkdeviotune test vda --total-bytes-sec 1M --total-bytes-sec-max 2M
blkdeviotune test vda
blkdeviotune test nosuch
blkdeviotune test vda --total-bytes-sec abc
domiftune test testnet0
domiftune test testnet0 --inbound 100,200,300
domiftune test testnet0
domiftune test testnet0 --inbound 0 --outbound 5
domiftune test testnet0 --inbound a
domiftune test testnet0 --inbound 1,2,3,4,5
domiftune test nosuch
perf test
perf test --enable cmt
perf test
perf test --disable cmt
perf test --enable frob
cpu-stats test
cpu-stats test --total
cpu-stats test 0 1
cpu-stats test --start -1
cpu-stats test --start 1
iothreadinfo test
iothreadadd test 1
iothreadadd test 0
iothreadadd test 7 --config
iothreadinfo test
iothreadinfo test --config
iothreadpin test 7 0
iothreadset test 7
iothreadset test 1 --poll-max-ns 100
iothreaddel test 7
iothreaddel test 9
setvcpu test 1 --enable
setvcpu test 1
setvcpu test 1 --enable --disable
guestvcpus test --cpulist 0
guestvcpus test 0 --disable
guestvcpus test 1 --enable
guestvcpus test --enable
domlaunchsecinfo test
domdirtyrate-calc test
domdirtyrate-calc test --seconds 100
domdirtyrate-calc test --mode frob
guestinfo test
domfsfreeze test
domfsfreeze test /boot
domfsthaw test
domfstrim test
domfstrim test --minimum 1
set-user-password test root secret
get-user-sshkeys test root
set-user-sshkeys test root --reset
set-user-sshkeys test root
guest-agent-timeout test 5
guest-agent-timeout test -3
send-key test KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE
send-key test KEY_FROB
send-key test --codeset frob 1
send-key test --holdtime 10 0x1e
send-process-signal test 1 kill
send-process-signal test 1 frob
screenshot test PLACE/shot
set-lifecycle-action test poweroff restart
set-lifecycle-action test frob restart
set-lifecycle-action test crash frob
dompmsuspend test mem
dompmsuspend test frob
dompmwakeup test
dompmwakeup test
metadata test http://x.org
metadata test http://x.org --key a --set <a>1</a>
metadata test http://x.org
metadata test http://x.org --set <a/>
metadata test http://x.org --key a --edit
metadata test http://x.org --remove
domdisplay test
domdisplay test --all
domdisplay test --type spice
domxml-from-native qemu-argv PLACE/net.xml
domxml-to-native qemu-argv
domxml-to-native qemu-argv --domain test --xml PLACE/small.xml
update-memory-device test --requested-size 1
find-storage-pool-sources-as logical
find-storage-pool-sources-as netfs --host h
find-storage-pool-sources-as netfs
find-storage-pool-sources dir
blockpull test vda
blockpull test vda --wait
blockpull test vda --verbose
blockcommit test vda
blockcommit test vda --pivot --keep-overlay
blockcommit test vda --verbose
blockcopy test vda
blockcopy test vda /tmp/x
blockcopy test vda /tmp/x --print-xml
blockcopy test vda /tmp/x --blockdev --format qcow2 --print-xml
blockcopy test vda /tmp/x --pivot --finish
blockcopy test vda /tmp/x --xml PLACE/disk.xml
blockcopy test vda --verbose /tmp/x
blockjob test vda
blockjob test vda --info
blockjob test vda --raw
blockjob test vda --abort --info
blockjob test vda --pivot --raw
blockjob test vda --abort --bandwidth 5
blockresize test vda 1G
blockresize test vda abc
domblkthreshold test vda 1G
checkpoint-list test
checkpoint-create test PLACE/checkpoint.xml
checkpoint-create-as test c1 desc --diskspec vda,checkpoint=bitmap --print-xml
checkpoint-create-as test c1 --diskspec vda,frob=1 --print-xml
checkpoint-create-as test c1
checkpoint-dumpxml test c1
checkpoint-info test c1
checkpoint-info test
checkpoint-parent test c1
checkpoint-list test --tree
checkpoint-list test --descendants
checkpoint-list test --tree --name
checkpoint-delete test c1
checkpoint-edit test c1
backup-begin test
backup-begin test PLACE/nosuch.xml
backup-dumpxml test
qemu-monitor-command test {"execute":"query-status"}
qemu-agent-command test x
qemu-agent-command test x --async --block
qemu-attach 1
migrate test test+unix:///default?socket=PLACE/one/libvirt-sock
migrate test test+unix:///default?socket=PLACE/one/libvirt-sock --live --offline
migrate test test+unix:///default?socket=PLACE/one/libvirt-sock --offline
migrate test test+unix:///default?socket=PLACE/one/libvirt-sock --tunnelled
migrate test test+unix:///default?socket=PLACE/one/libvirt-sock --copy-storage-all --copy-storage-inc
migrate test test+unix:///default?socket=PLACE/one/libvirt-sock --change-protection
migrate test x://y --live --p2p
migrate test x://y --direct
migrate test x://y --timeout 5
migrate test x://y --timeout-suspend
migrate test x://y --persistent-xml PLACE/small.xml
migrate test x://y --postcopy-resume
migrate test x://y --p2p --xml PLACE/nosuch.xml
migrate test
migrate nosuch x://y
migrate-setmaxdowntime test 0
migrate-setmaxdowntime test 100
migrate-getspeed test
migrate-setspeed test 10
migrate-compcache test --size 1M
migrate-postcopy test
`
  .trim()
  .split("\n");

/** Of QEMU's guests that do not run: what the simulator has not. */
export const qemuLines = `
define PLACE/web.xml
domblklist web
attach-device web PLACE/disk.xml --config
attach-device web PLACE/disk.xml --live
attach-device web PLACE/disk.xml
attach-disk web /tmp/e.img vdc --config
attach-disk web /tmp/e.img vdc --persistent
attach-disk web /tmp/f.img vdd --persistent --subdriver qcow2 --cache none
attach-interface web user x --config
attach-interface web network default --config --model virtio --mac 52:54:00:00:00:07
domblklist web --details
domiflist web
dumpxml web
detach-disk web vdc --config
detach-disk web vdc --config
detach-interface web network --config
detach-device web PLACE/disk.xml --config
detach-device web PLACE/disk.xml --config
change-media web hdc /tmp/cd.iso --insert --config
change-media web hdc --insert --config
change-media web hdc /tmp/cd2.iso --insert --config
change-media web hdc /tmp/cd2.iso --update --config
change-media web hdc --eject --config
change-media web hdc --eject --config
update-device web PLACE/disk.xml --config
detach-device-alias web ua-x --config
domblklist web
setvcpus web 1 --config
setvcpus web 4 --config
setvcpus web 4 --config --maximum
setmaxmem web 128M --config
setmem web 100M --config
vcpucount web
vcpupin web 0 0 --config
vcpupin web
emulatorpin web 0 --config
emulatorpin web
domrename web web2
desc web2 --title hi
list --all --title
dumpxml web2
managedsave web2
domjobinfo web2
edit web2
undefine web2
define PLACE/web.xml
secret-list
secret-define PLACE/secret.xml
secret-list
secret-list --ephemeral
secret-dumpxml 00000000-0000-4000-8000-000000000005
secret-get-value 00000000-0000-4000-8000-000000000005
secret-set-value 00000000-0000-4000-8000-000000000005 YWJj
secret-set-value 00000000-0000-4000-8000-000000000005
secret-set-value 00000000-0000-4000-8000-000000000005 --file PLACE/secret.xml --plain
secret-get-value 00000000-0000-4000-8000-000000000005 --plain
secret-set-value 00000000-0000-4000-8000-000000000005 --base64 YWJj
secret-get-value 00000000-0000-4000-8000-000000000005
secret-dumpxml nosuch
secret-dumpxml 00000000-0000-4000-8000-0000000000ff
secret-undefine 00000000-0000-4000-8000-000000000005
secret-list
domcapabilities
domcapabilities --virttype frob
cpu-models x86_64
memtune web --config
memtune web --hard-limit 1G --config
memtune web --config
memtune web
blkiotune web --config
blkiotune web --weight 500 --config
numatune web --config
schedinfo web --config
schedinfo web --config --set cpu_shares=500
perf web
perf web --enable cmt --config
iothreadadd web 1 --config
iothreadinfo web
iothreadset web 1 --poll-max-ns 100 --config
iothreaddel web 1 --config
checkpoint-list web
checkpoint-create-as web c1
backup-begin web
backup-dumpxml web
blockjob web hdc
blockpull web hdc
blockcommit web hdc --active --wait
set-lifecycle-action web poweroff restart --config
metadata web http://x.org --key a --set <a>1</a> --config
metadata web http://x.org --config
domdisplay web
domlaunchsecinfo web
domsetlaunchsecstate web
domsetlaunchsecstate web --secret PLACE/net.xml
domsetlaunchsecstate web --secret PLACE/net.xml --secrethdr PLACE/nosuch.xml
domsetlaunchsecstate web --secret PLACE/net.xml --secrethdr PLACE/pool.xml --set-address 4096
update-memory-device web --requested-size 1M --config
migrate-getspeed web
migrate-compcache web
migrate-setspeed web 10
migrate web x://y --p2p --live
guestinfo web
pool-capabilities
find-storage-pool-sources-as dir
qemu-monitor-command web {"execute":"query-status"}
undefine web
`
  .trim()
  .split("\n");

export const small =
  "<domain type='test'><name>small</name><uuid>00000000-0000-4000-8000-000000000001</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>";
/** Files that the lines name, at PLACE. */
export const definitions = {
  net: "<network><name>n1</name><uuid>00000000-0000-4000-8000-000000000002</uuid><bridge name='virbr9'/><forward mode='nat'/><ip address='192.168.50.1' netmask='255.255.255.0'/></network>",
  pool: "<pool type='dir'><name>p1</name><uuid>00000000-0000-4000-8000-000000000003</uuid><target><path>/p1</path></target></pool>",
  vol: "<volume><name>v1</name><capacity>1048576</capacity></volume>",
  vol2: "<volume><name>v2</name><capacity>1048576</capacity></volume>",
  disk: "<disk type='file' device='disk'><source file='/tmp/d.img'/><target dev='vdb' bus='virtio'/></disk>",
  small,
  bad: "<domain type='test'><name>bad</name></domain>",
  web: "<domain type='qemu'><name>web</name><uuid>00000000-0000-4000-8000-000000000009</uuid><memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os><devices><emulator>/usr/bin/qemu-system-x86_64</emulator><disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk></devices></domain>",
  cpu: "<cpu><arch>x86_64</arch><model>core2duo</model></cpu>",
  cpus: "<cpu><arch>x86_64</arch><model>core2duo</model></cpu><cpu><arch>x86_64</arch><model>qemu64</model></cpu>",
  secret:
    "<secret><uuid>00000000-0000-4000-8000-000000000005</uuid><usage type='volume'><volume>/srv/v</volume></usage></secret>",
  nodedev:
    "<device><name>scsi_host13</name><parent>scsi_host1</parent><capability type='scsi_host'><host>13</host><capability type='fc_host'><wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>",
  iface:
    "<interface type='ethernet' name='eth9'><start mode='none'/><mac address='aa:bb:cc:dd:ee:09'/><mtu size='1492'/></interface>",
  nwfilter: "<filter name='f1' chain='root'><uuid>00000000-0000-4000-8000-000000000006</uuid></filter>",
  port: "<networkport><uuid>00000000-0000-4000-8000-000000000004</uuid><owner><name>test</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid></owner><mac address='52:54:00:00:00:09'/><plug type='network' bridge='virbr0'/></networkport>",
  checkpoint: "<domaincheckpoint><name>c2</name></domaincheckpoint>",
  snapshot: "<domainsnapshot><name>s1</name><description>hello</description></domainsnapshot>",
};

/** Lines that are answered otherwise, and why. */
export const differences: Readonly<Record<string, string>> = {
  "undefine test --tpm": "virsh undefines without what the hypervisor does not know",
  "iface-destroy eth9": "virsh has ended it, says so, and fails",
  "vol-info va --pool default-pool --bytes --physical":
    "virsh has printed the name when it learns that there is no more",
  "ttyconsole test": "virsh fails without a word",
  "vol-clone va vx --pool default-pool --print-xml":
    "virsh writes it with double quotes, unlike all other definitions, and with the key of the other volume",
};
