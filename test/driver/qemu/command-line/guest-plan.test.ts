import assert from "node:assert/strict";
import { test } from "node:test";
import { planGuest } from "../../../../src/driver/qemu/command-line/index.ts";
import { helloDefinition } from "../../../../src/driver/qemu/index.ts";
import { Definition } from "../../../../src/model/index.ts";
import { ErrorCode } from "../../../../src/protocol/index.ts";

const uuid = "04c6774c-a016-4ca7-8d75-9930f0bbbd69";

const options = { directory: "/run/guest", stateDirectory: "/lib/guest", nowMs: 0 };

function argumentsOf(parts: { name?: string; top?: string; os?: string; devices?: string; type?: string }): string[] {
  const {
    name = "hello",
    top = "",
    os = "<type arch='x86_64' machine='pc'>hvm</type>",
    devices = "",
    type = "qemu",
  } = parts;
  const definition = Definition.parse(
    `<domain type='${type}'><name>${name}</name><uuid>${uuid}</uuid><memory>131072</memory>${top}<os>${os}</os>
     <devices>${devices}</devices></domain>`,
  );
  return [...planGuest(definition, options).args];
}

/** The values that follow an option. */
function valuesOf(args: readonly string[], option: string): string[] {
  return args.filter((_, index) => args[index - 1] === option);
}

test("the whole line for a small guest", () => {
  const expected = [
    "-name guest=hello,debug-threads=on -S",
    "-machine type=pc,usb=off,dump-guest-core=off,acpi=on -accel tcg",
    "-m size=131072k -overcommit mem-lock=off -smp cpus=1,maxcpus=2,sockets=2,dies=1,cores=1,threads=1",
    `-uuid ${uuid} -display none -no-user-config -nodefaults`,
    "-chardev socket,id=charmonitor,fd=3,server=on,wait=off",
    "-mon chardev=charmonitor,id=monitor,mode=control -rtc base=utc -no-shutdown -boot strict=on",
    "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny -msg timestamp=on",
  ];
  const args = argumentsOf({ top: "<vcpu current='1'>2</vcpu><features><acpi/></features>" });
  assert.equal(args.join(" "), expected.join(" "));
});

test("disks become blockdevs under devices, bootable in their order", () => {
  const devices = `
    <disk type='file' device='disk'><driver type='qcow2'/><source file='/a.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><source file='/b.iso'/><target dev='hdc'/></disk>
    <disk type='file' device='cdrom'><target dev='hdd'/></disk>`;
  const args = argumentsOf({ devices });
  assert.deepEqual(
    valuesOf(args, "-blockdev").map((each) => JSON.parse(each)),
    [
      {
        driver: "file",
        filename: "/a.qcow2",
        "node-name": "vda-storage",
        "auto-read-only": true,
        discard: "unmap",
      },
      { driver: "qcow2", "node-name": "vda-format", file: "vda-storage", "read-only": false },
      {
        driver: "file",
        filename: "/b.iso",
        "node-name": "hdc-storage",
        "auto-read-only": true,
        discard: "unmap",
      },
      { driver: "raw", "node-name": "hdc-format", file: "hdc-storage", "read-only": true },
    ],
  );
  assert.deepEqual(
    valuesOf(args, "-device").map((each) => JSON.parse(each)),
    [
      { driver: "virtio-blk-pci", drive: "vda-format", id: "virtio-disk0", bootindex: 1 },
      { driver: "ide-cd", bus: "ide.1", unit: 0, drive: "hdc-format", id: "ide0-1-0", bootindex: 2 },
      { driver: "ide-cd", bus: "ide.1", unit: 1, id: "ide0-1-1", bootindex: 3 },
    ],
  );
});

test("kernel, initial ramdisk and arguments each stand alone", () => {
  const os = "<type>hvm</type><kernel>/k</kernel><initrd>/i</initrd><cmdline>console=ttyS0 a=b,c</cmdline>";
  const args = argumentsOf({ os });
  assert.deepEqual(
    ["-kernel", "-initrd", "-append"].map((option) => valuesOf(args, option)),
    [["/k"], ["/i"], ["console=ttyS0 a=b,c"]],
  );
});

test("cpu and accelerator follow the definition", () => {
  const cpu = (xml: string): string[] => valuesOf(argumentsOf({ top: xml }), "-cpu");
  assert.deepEqual(cpu("<cpu><model>Nehalem</model></cpu>"), ["Nehalem"]);
  assert.deepEqual(cpu("<cpu mode='maximum'/>"), ["max"]);
  assert.deepEqual(cpu(""), []);
  assert.deepEqual(valuesOf(argumentsOf({ type: "kvm", top: "<cpu mode='host-passthrough'/>" }), "-accel"), ["kvm"]);
});

test("no value from the definition becomes an option of its own", () => {
  const evil = "x,debug-threads=off,process=y";
  const args = argumentsOf({
    name: evil,
    os: `<type machine='pc,accel=kvm'>hvm</type><kernel>-nographic</kernel>`,
    devices: `<serial type='file'><source path='/log,append=off'/></serial>
      <disk><source file='/a","driver":"nbd'/><target dev='vda'/></disk>`,
  });
  assert.deepEqual(valuesOf(args, "-name"), ["guest=x,,debug-threads=off,,process=y,debug-threads=on"]);
  assert.match(valuesOf(args, "-machine")[0] ?? "", /^type=pc,,accel=kvm,usb=off/);
  assert.deepEqual(valuesOf(args, "-kernel"), ["-nographic"]);
  assert.equal(valuesOf(args, "-chardev")[1], "file,id=charserial0,path=/log,,append=off,append=on");
  assert.equal(JSON.parse(valuesOf(args, "-blockdev")[0] ?? "").filename, '/a","driver":"nbd');
});

test("a machine with an equals sign in it is a name all the same", () => {
  const args = argumentsOf({ os: "<type machine='kernel=/etc/passwd'>hvm</type>" });
  assert.match(valuesOf(args, "-machine")[0] ?? "", /^type=kernel=\/etc\/passwd,usb=off/);
});

test("a cpu model with a comma in it is refused, as QEMU would find features behind it", () => {
  for (const model of ["qemu64,enforce", "qemu64,,enforce"]) {
    assert.throws(() => argumentsOf({ top: `<cpu><model>${model}</model></cpu>` }), {
      message: `internal error: Unknown CPU model ${model}`,
    });
  }
});

for (const [what, devices, message] of [
  ["a device nobody knows", "<nosuch/>", /device <nosuch> is not supported/],
  ["a tablet on PS/2", "<input type='tablet' bus='ps2'/>", /input of type 'tablet' on bus 'ps2'/],
  ["a macvtap interface", "<interface type='direct'/>", /interface of type 'direct'/],
  ["an odd format", "<disk><driver type='fat'/><source file='/x'/><target dev='vda'/></disk>", /format 'fat'/],
  ["a host's disk", "<disk device='lun'><target dev='sda'/></disk>", /device='lun'/],
  ["a directory", "<disk type='dir'><source dir='/x'/><target dev='vda'/></disk>", /source of type 'dir'/],
  ["a scsi disk without a controller", "<disk><source file='/x'/><target dev='sda'/></disk>", /a disk on bus 'scsi'/],
  ["a serial port on stdio", "<serial type='stdio'/>", /serial port of type 'stdio'/],
  ["a PCI device of the host's", "<hostdev type='pci'/>", /hostdev of type 'pci'/],
  ["3D", "<video><model type='virtio'><acceleration accel3d='yes'/></model></video>", /3D acceleration/],
  ["an NVMe disk", "<disk type='nvme'><source/><target dev='vda'/></disk>", /IOMMU/],
] as const) {
  test(`${what} is refused, not left out`, () => {
    assert.throws(() => argumentsOf({ devices }), { code: ErrorCode.configUnsupported, message });
  });
}

test("arguments of the user's own come last, as they are", () => {
  const top = `<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>
    <q:arg value='-global'/><q:arg value='a.b=c, d'/><q:env name='X' value='y'/></q:commandline>`;
  assert.deepEqual(argumentsOf({ top }).slice(-2), ["-global", "a.b=c, d"]);
});

test("the host's own processor is refused where nothing but an emulated one is to be had", () => {
  assert.throws(() => argumentsOf({ top: "<cpu mode='host-passthrough'/>" }), {
    code: ErrorCode.configUnsupported,
    message: /CPU mode 'host-passthrough' for x86_64 qemu domain on x86_64 host is not supported by hypervisor/,
  });
});

test("the guest hello is a small one whose firmware talks on its serial port", () => {
  const definition = Definition.parse(helloDefinition({ serialLog: "/tmp/hello & co.log" }));
  assert.deepEqual([definition.name, definition.memoryKib], ["hello", 131_072]);
  const { args } = planGuest(definition, options);
  assert.match(valuesOf(args, "-machine")[0] ?? "", /graphics=off/);
  assert.equal(valuesOf(args, "-chardev")[1], "file,id=charserial0,path=/tmp/hello & co.log,append=on");
});
