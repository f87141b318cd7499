import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { diskImage, diskPrograms, prompt, readyLine, smallLinux } from "../../lab/guest/linux.ts";
import { fetchPackages, missingPrograms } from "../../lab/xen/fetch.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { terminalProgram } from "./clients/terminal.ts";
import { OurDaemon } from "./qemu/our-daemon.ts";
import { PrivateLibvirtd } from "./qemu/private-libvirtd.ts";
import { Side } from "./qemu-clients/side.ts";
import { virsh } from "./virsh/side.ts";
import { libvirtd } from "./virsh/teacher.ts";

const install = "/usr/bin/virt-install";
const paths = [
  install,
  virsh,
  libvirtd,
  terminalProgram,
  ...Object.keys(diskPrograms).map((name) => `/usr/bin/${name}`),
];
const missing = paths.filter((path) => !existsSync(path));
const packages = ["virtinst", "libvirt-clients", "libvirt-daemon", ...Object.values(diskPrograms)];
const skip =
  missing.length > 0
    ? `no ${missing.join(", ")}: apt-get install ${packages.join(" ")}`
    : (missingPrograms() ?? PrivateLibvirtd.obstacle ?? false);

const base = "--memory 128 --osinfo generic --import --noautoconsole";
/** For --print-xml: kinds of guests that people make, and what virt-install finds out from the daemon's answers. */
const printed: readonly string[] = [
  `--name printed ${base} --disk path=other.qcow2 --graphics none --network none`,
  `--name printed ${base} --disk path=other.qcow2,bus=virtio --graphics vnc --network user,model=virtio`,
  `--name printed ${base} --disk path=other.qcow2,bus=scsi --controller scsi,model=virtio-scsi --graphics vnc,listen=none --network user`,
  `--name printed ${base} --disk path=other.qcow2,bus=sata --machine q35 --graphics none --network user --rng /dev/urandom --watchdog i6300esb`,
  `--name printed ${base} --disk none --vcpus 2,maxvcpus=4 --cpu qemu64 --channel unix,target.type=virtio,target.name=org.qemu.guest_agent.0 --graphics none --network none`,
  `--name printed ${base} --boot network --disk none --graphics none --network user`,
];

/** On a machine that is busy with other things. */
const bootMs = 110_000;
const name = "imported";

describe("virt-install on libvirtd's qemu:///system and ours", { skip, timeout: 170_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-import-"));
  let loop: Loop;
  let libvirt: PrivateLibvirtd;
  let daemon: OurDaemon;
  let theirs: Side;
  let ours: Side;

  before(async () => {
    const image = join(directory, "disk.qcow2");
    await diskImage(await smallLinux(await fetchPackages()), image);
    loop = openLoop();
    libvirt = new PrivateLibvirtd(join(directory, "libvirt"));
    daemon = new OurDaemon(loop, join(directory, "daemon"));
    await Promise.all([libvirt.start(), daemon.start()]);
    theirs = new Side(loop, join(directory, "theirs"), libvirt.socket);
    ours = new Side(loop, join(directory, "ours"), daemon.socket);
    for (const side of [theirs, ours])
      for (const file of ["disk.qcow2", "other.qcow2"]) copyFileSync(image, join(side.directory, file));
  });

  after(async () => {
    for (const domain of [name, "printed"]) await ours.virsh("destroy", domain);
    await Promise.all([theirs.close(), ours.close()]);
    await daemon.stop();
    await libvirt.stop();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  it("imports a disk image by the same calls, and is refused nothing", async () => {
    const options = `--name ${name} ${base} --disk path=disk.qcow2,bus=virtio --network user --graphics none`.split(
      " ",
    );
    const done = await Promise.all(
      [theirs, ours].map(async (side) => {
        const from = side.proxy.calls.length;
        const { code, stdout, stderr } = await side.run(install, ...options);
        const calls = side.proxy.calls.slice(from).map((call) => call.name);
        return { code, stdout, stderr, calls, errors: side.errorsSince(from) };
      }),
    );
    assert.deepEqual(done[1], done[0]);
    assert.equal(done[1]?.code, 0, done[1]?.stderr);
    // The other one does not need to take its time from ours.
    await theirs.virsh("destroy", name);
  });

  // Meanwhile it boots.
  for (const options of printed) {
    it(`prints the same, and both define it: ${options}`, async () => {
      const [there, here] = await Promise.all(
        [theirs, ours].map((side) => side.run(install, ...options.split(" "), "--print-xml")),
      );
      assert.deepEqual([here?.code, here?.stderr], [0, there?.stderr]);
      assert.equal(withoutDrawn(here?.stdout ?? ""), withoutDrawn(there?.stdout ?? ""));
      const defined = [theirs, ours].map(async (side) => {
        const file = join(side.directory, "printed.xml");
        writeFileSync(file, (here?.stdout ?? "").replaceAll("PLACE", side.directory));
        return [await side.virsh("define", file), await side.virsh("undefine", "printed")];
      });
      const expected = ["defined from PLACE/printed.xml\n", "has been undefined\n"].map((what) => ({
        code: 0,
        stdout: `Domain 'printed' ${what}\n`,
        stderr: "",
      }));
      assert.deepEqual(await Promise.all(defined), [expected, expected]);
    });
  }

  it("has made a guest that boots, speaks on its console and obeys its power button", async () => {
    await using console = ours.console(name);
    await console.shows(/Escape character is/, 30_000);
    // What was said before somebody listened is lost; a new line brings the prompt again.
    const asking = setInterval(() => console.type("\r"), 1_000);
    await console.shows(new RegExp(`${readyLine}|${prompt}`), bootMs).finally(() => clearInterval(asking));
    const before = console.output.length;
    console.type("uname -s; cat /proc/cmdline\r");
    await console.shows(/Linux\s+BOOT_IMAGE=vmlinuz/, 30_000, before);
    console.type("\x1d");
    assert.equal(await console.ended(30_000), 0);
    assert.match((await ours.virsh("shutdown", name)).stdout, /is being shutdown/);
    assert.equal(await ours.becomes(name, "shut off", 60_000), "shut off");
    assert.equal((await ours.virsh("domstate", name, "--reason")).stdout.trim(), "shut off (shutdown)");
    const undefined_ = await Promise.all([theirs, ours].map((side) => side.virsh("undefine", name)));
    assert.deepEqual(undefined_[1], undefined_[0]);
  });

  it("leaves our daemon without complaint", () => assert.deepEqual(daemon.warnings, []));
});

/** Without what virt-install has drawn by lot. */
function withoutDrawn(xml: string): string {
  return xml.replace(/52:54:00(:[\da-f]{2}){3}/g, "MAC").replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, "UUID");
}
