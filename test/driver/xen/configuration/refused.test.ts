import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { configOf } from "../../../../src/driver/xen/configuration/index.ts";
import { completeDefinition } from "../../../../src/driver/xen/definition/complete.ts";
import { Definition } from "../../../../src/model/index.ts";
import { ErrorCode, VirError } from "../../../../src/protocol/index.ts";
import { given } from "../golden-guests.ts";

/** A guest, what is added to it or put in the place of something, and what libvirt's driver says to that. */
type Case = readonly [guest: string, change: string | readonly [string, string], code: ErrorCode, words: string];

const { configUnsupported: config, internalError: internal, invalidArg, operationInvalid } = ErrorCode;
const disk = (driver: string): string =>
  `<disk type='file'><driver ${driver}/><source file='/a'/><target dev='xvdz'/></disk>`;

const clock = (text: string): readonly [string, string] => [
  "<devices>",
  `<clock offset='utc'>${text}</clock><devices>`,
];

const cases: readonly Case[] = [
  [
    "pv-kernel",
    ["type='xen'", "type='kvm'"],
    invalidArg,
    "could not find capabilities for ostype=linux arch=x86_64 domaintype=kvm",
  ],
  [
    "hvm-plain",
    ["arch='x86_64'", "arch='aarch64'"],
    invalidArg,
    "could not find capabilities for arch=aarch64 domaintype=xen",
  ],
  [
    "pv-kernel",
    ["<source bridge='xenbr0'/>", "<source bridge='xenbr0'/><model type='e1000'/>"],
    config,
    "only model 'netfront' is supported for Xen PV(H) domains",
  ],
  ["pv-kernel", "<interface type='user'/>", config, "unsupported interface type user"],
  [
    "pv-kernel",
    "<interface type='direct'><source dev='eth0'/></interface>",
    config,
    "unsupported interface type direct",
  ],
  ["pv-kernel", disk("name='foo'"), internal, "libxenlight does not support disk driver foo"],
  [
    "pv-kernel",
    disk("name='qemu' type='vmdk'"),
    internal,
    "libxenlight does not support disk format vmdk with disk driver qemu",
  ],
  [
    "pv-kernel",
    disk("name='tap' type='vmdk'"),
    internal,
    "libxenlight does not support disk format vmdk with disk driver tap",
  ],
  [
    "pv-kernel",
    disk("name='phy' type='qcow2'"),
    internal,
    "libxenlight does not support disk format qcow2 with disk driver phy",
  ],
  [
    "pv-kernel",
    disk("name='file' type='qcow2'"),
    internal,
    "libxenlight does not support disk format qcow2 with disk driver file",
  ],
  [
    "pv-kernel",
    "<disk type='file'><source file='/a'/><target dev='xvdz'/><transient/></disk>",
    internal,
    "libxenlight does not support transient disks",
  ],
  [
    "pv-kernel",
    "<disk type='file'><target dev='xvdz'/></disk>",
    ErrorCode.noSource,
    "missing source information for device xvdz",
  ],
  [
    "pv-kernel",
    ["</devices>", "<memballoon model='virtio'/></devices>"],
    config,
    "unsupported balloon device model 'virtio'",
  ],
  [
    "hvm-plain",
    "<channel type='unix'><source mode='bind'/><target type='virtio' name='a'/></channel>",
    config,
    "channel target type not supported",
  ],
  ["pv-kernel", "<channel type='pty'><target type='xen'/></channel>", operationInvalid, "channel target name missing"],
  [
    "pv-kernel",
    "<hostdev mode='capabilities' type='misc'><source><char>/a</char></source></hostdev>",
    config,
    "hostdev mode 'capabilities' is not supported in xen",
  ],
  [
    "hvm-tablet",
    "<graphics type='vnc'/><video><model type='vmvga'/></video>",
    config,
    "video type vmvga is not supported by libxl",
  ],
  [
    "hvm-tablet",
    "<graphics type='vnc'/><video><model type='vga' vram='1024'/></video>",
    config,
    "videoram must be at least 16MB for VGA",
  ],
  ["hvm-plain", "<input type='tablet' bus='ps2'/>", internal, "ps2 bus does not support tablet input device"],
  ["pv-kernel", "<input type='tablet' bus='xen'/>", internal, "xen bus does not support tablet input device"],
  [
    "hvm-plain",
    ["<devices>", "<cpu mode='host-passthrough'><feature policy='forbid' name='foo'/></cpu>".concat("<devices>")],
    config,
    "unsupported cpu feature 'foo'",
  ],
  ["hvm-plain", clock("<timer name='rtc'/>"), config, "unsupported timer type (name) 'rtc'"],
  ["hvm-plain", clock("<timer name='pit'/>"), config, "unsupported timer type (name) 'pit'"],
  ["pv-kernel", clock("<timer name='hpet' present='yes'/>"), config, "unsupported timer type (name) 'hpet'"],
  [
    "hvm-plain",
    ["<devices>", "<clock offset='timezone' timezone='CET'/><devices>"],
    config,
    "unsupported clock offset 'timezone'",
  ],
  ["hvm-plain", ["<devices>", "<on_crash>ignore</on_crash><devices>"], config, "unknown on_crash action: ignore"],
  ["hvm-plain", "<controller type='usb' model='ich9-ehci1'/>", config, "unsupported usb model"],
];

suite("a guest that Xen cannot have", () => {
  for (const [guest, change, code, words] of cases) {
    test(`is refused: ${words}`, () => {
      const [from, to] = typeof change === "string" ? ["</devices>", `${change}</devices>`] : change;
      const xml = given(guest).replace(from, to);
      assert.notEqual(xml, given(guest));
      assert.throws(
        () => configOf(Definition.parse(xml, completeDefinition)),
        (error) => error instanceof VirError && error.code === code && error.message.includes(words),
      );
    });
  }
});
