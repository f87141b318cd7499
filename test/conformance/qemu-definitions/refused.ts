/** A disk `hda` and so on. */
const disk = (target: string, more = "", rest = ""): string =>
  `<disk><source file='/a'/><target dev='${target}'${more}/>${rest}</disk>`;
const pciAt = (slot: string): string => `<address type='pci' ${slot}/>`;
const tablet = (port: number): string =>
  `<input type='tablet' bus='usb'><address type='usb' bus='0' port='${port}'/></input>`;

interface Refused {
  readonly devices?: string;
  /** Before <devices>. */
  readonly settings?: string;
  readonly boot?: string;
  readonly machine?: string;
}

/** By what is wrong with them: definitions that libvirt refuses, and in which words we do too. */
export const refused: Readonly<Record<string, Refused>> = {
  "two disks of one name": { devices: disk("vda") + disk("vda") },
  "two disks in one place": { devices: disk("hda") + disk("sda", " bus='ide'") },
  "two PCI devices in one slot": { devices: disk("vda", "", pciAt("slot='5'")) + disk("vdb", "", pciAt("slot='5'")) },
  "a slot that the chipset has": { devices: disk("vda", "", pciAt("slot='1'")) },
  "a slot that no bus has": { devices: disk("vda", "", pciAt("slot='32'")) },
  "a PCI domain that is not there": { devices: disk("vda", "", pciAt("domain='1' slot='5'")) },
  "a second slot of a port": {
    machine: "q35",
    devices:
      "<controller type='pci' index='0' model='pcie-root'/><controller type='pci' index='1' model='pcie-root-port'/>" +
      disk("vda", "", pciAt("bus='1' slot='1'")),
  },
  "the root bus of another machine": {
    machine: "q35",
    devices: "<controller type='pci' index='0' model='pci-root'/>",
  },
  "a bus that nobody knows": { devices: disk("vda", " bus='foo'") },
  "IDE on q35": { machine: "q35", devices: disk("hda") },
  "a virtio disk at a drive's address": {
    devices: disk("vda", "", "<address type='drive' controller='0' bus='0' unit='0'/>"),
  },
  "a kind of disk that nobody knows": { devices: "<disk device='tape'><target dev='vda'/></disk>" },
  "a type of source that nobody knows": { devices: "<disk type='foo'><target dev='vda'/></disk>" },
  "a disk without target": { devices: "<disk><source file='/a'/></disk>" },
  "a disk without source": { devices: "<disk><target dev='vda'/></disk>" },
  "a floppy on IDE": { devices: "<disk device='floppy'><target dev='hda' bus='ide'/></disk>" },
  "a cdrom on virtio": { devices: "<disk device='cdrom'><target dev='vda' bus='virtio'/></disk>" },
  "another's driver for a disk": {
    devices: "<disk><driver name='phy'/><source file='/a'/><target dev='vda'/></disk>",
  },
  "a format that nobody knows": {
    devices: "<disk><driver name='qemu' type='foo'/><source file='/a'/><target dev='vda'/></disk>",
  },
  "a cache that nobody knows": {
    devices: "<disk><driver name='qemu' cache='foo'/><source file='/a'/><target dev='vda'/></disk>",
  },
  "an I/O thread that is not there": {
    devices: "<disk><driver name='qemu' iothread='1'/><source file='/a'/><target dev='vda'/></disk>",
  },
  "a MAC that is none": { devices: "<interface type='user'><mac address='zz'/></interface>" },
  "a MAC of many": { devices: "<interface type='user'><mac address='01:00:00:00:00:01'/></interface>" },
  "an interface of unknown type": { devices: "<interface type='foo'/>" },
  "a network without name": { devices: "<interface type='network'/>" },
  "a bridge without name": { devices: "<interface type='bridge'/>" },
  "an interface's model with a space": { devices: "<interface type='user'><model type='foo bar'/></interface>" },
  "a machine without PCI": { machine: "isapc" },
  "a controller of unknown type": { devices: "<controller type='foo'/>" },
  "a controller of unknown model": { devices: "<controller type='usb' model='foo'/>" },
  "two controllers of one number": {
    devices: "<controller type='scsi' index='0'/><controller type='scsi' index='0'/>",
  },
  "USB devices without USB": { devices: "<controller type='usb' model='none'/><input type='tablet' bus='usb'/>" },
  "two USB devices in one port": { devices: tablet(1) + tablet(1) },
  "a USB port that is not there": { devices: tablet(3) },
  "two channels in one port": {
    devices: ["a", "b"]
      .map(
        (name) =>
          `<channel type='pty'><target type='virtio' name='${name}'/>` +
          "<address type='virtio-serial' controller='0' port='1'/></channel>",
      )
      .join(""),
  },
  "a channel without target": { devices: "<channel type='pty'/>" },
  "a serial port of unknown type": { devices: "<serial type='foo'/>" },
  "a serial port to a file without path": { devices: "<serial type='file'/>" },
  "two watchdogs": { devices: "<watchdog model='i6300esb'/><watchdog model='ib700'/>" },
  "two balloons": { devices: "<memballoon model='virtio'/><memballoon model='virtio'/>" },
  "two TPMs": { devices: "<tpm><backend type='emulator'/></tpm>".repeat(2) },
  "graphics of unknown type": { devices: "<graphics type='foo'/>" },
  "graphics in two places": {
    devices: "<graphics type='vnc' listen='1.2.3.4'><listen type='address' address='1.2.3.5'/></graphics>",
  },
  "a port that is no number": { devices: "<graphics type='vnc' port='foo'/>" },
  "a video model that nobody knows": { devices: "<video><model type='foo'/></video>" },
  "two primary displays": { devices: "<video><model type='vga' primary='yes'/></video>".repeat(2) },
  "input of unknown type": { devices: "<input type='foo'/>" },
  "a tablet on PS/2": { devices: "<input type='tablet' bus='ps2'/>" },
  "a sound card that nobody knows": { devices: "<sound model='foo'/>" },
  "a source of randomness that nobody knows": { devices: "<rng model='foo'><backend model='random'/></rng>" },
  "a host device of unknown type": { devices: "<hostdev mode='subsystem' type='foo'/>" },
  "memory without slots": {
    devices: "<memory model='dimm'><target><size>1</size><node>0</node></target></memory>",
  },
  "one place in the boot order twice": {
    devices: disk("vda", "", "<boot order='1'/>") + disk("vdb", "", "<boot order='1'/>"),
  },
  "two ways to order booting": { devices: disk("vda", "", "<boot order='1'/>"), boot: "<boot dev='hd'/>" },
  "boot order zero": { devices: disk("vda", "", "<boot order='0'/>") },
  "a boot device that nobody knows": { boot: "<boot dev='foo'/>" },
  "one alias twice": {
    devices: disk("vda", "", "<alias name='ua-1'/>") + disk("vdb", "", "<alias name='ua-1'/>"),
  },
  "a CPU mode that nobody knows": { settings: "<cpu mode='foo'/>" },
  "a topology of other size": { settings: "<cpu><topology sockets='1' cores='2' threads='2'/></cpu>" },
  "one CPU feature twice": {
    settings: "<cpu><model>qemu64</model><feature name='vmx'/><feature name='vmx'/></cpu>",
  },
  "a clock that nobody knows": { settings: "<clock offset='foo'/>" },
  "an action that nobody knows": { settings: "<on_crash>foo</on_crash>" },
  "an action that QEMU cannot": { settings: "<on_poweroff>preserve</on_poweroff>" },
  "a feature that nobody knows": { settings: "<features><foo/></features>" },
  "more processors than the machine can have": { settings: "<vcpu>300</vcpu>" },
};

export function refusedXml({ devices = "", settings = "", boot = "", machine = "pc" }: Refused): string {
  return (
    "<domain type='qemu'><name>refused</name><memory>65536</memory>" +
    `<os><type arch='x86_64' machine='${machine}'>hvm</type>${boot}</os>${settings}<devices>${devices}</devices></domain>`
  );
}
