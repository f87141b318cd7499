import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { completionFor } from "../../src/driver/qemu/definition/complete.ts";
import { dumpDefinition } from "../../src/driver/qemu/definition/dump.ts";
import { prepareRun } from "../../src/driver/qemu/definition/prepare-run.ts";
import { Definition } from "../../src/model/index.ts";
import { runBatch } from "./qemu-definitions/batch.ts";
import { normalise, normaliseLive } from "./qemu-definitions/normalise.ts";
import { refused, refusedXml } from "./qemu-definitions/refused.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";

const qemu = "/usr/bin/qemu-system-x86_64";
const missing = [libvirtd, qemu, "/usr/bin/virsh", "/usr/bin/qemu-img", "/usr/share/OVMF/OVMF_CODE_4M.fd"].filter(
  (path) => !existsSync(path),
);
const packages = "qemu-system-x86 qemu-utils ovmf libvirt-clients libvirt-daemon";
const skip = missing.length === 0 ? false : `no ${missing.join(", ")}: apt-get install ${packages}`;

/** Definitions in which @DIR@ is a directory with images. */
const xmlDirectory = new URL("qemu-definitions/xml/", import.meta.url);
const names = readdirSync(xmlDirectory).map((name) => name.replace(".xml", ""));

/** Where we differ, and why. */
const different: Readonly<Record<string, string>> = {
  unknown: "libvirt forgets what it does not know, and we keep it",
};

/** What is started: something of each kind, and all that virt-install makes without a network of its own. */
const started = (
  "hello minimal-q35 backing-chain ide scsi virtio-scsi usb-disk floppy sata sata-q35 vnc-listens vnc-socket spice " +
  "channels-spice console-virtio console-both usb-hub usb-controllers videos sounds filesystems os-efi os-loader-only " +
  "vi-linux vi-headless q35-bridges watchdogs"
).split(" ");

interface Answers {
  /** After the definition that both were given. */
  readonly theirs: string;
  /** After ours, which its schema is to accept. */
  readonly again: string;
}

describe("a definition completed by libvirt's QEMU driver and by ours", { skip, timeout: 600_000 }, () => {
  // Short: sockets of guests are below it.
  const directory = mkdtempSync(join(tmpdir(), "vd-"));
  const images = join(directory, "images");
  const teacher = new Teacher(join(directory, "t"));
  const libvirtDirectory = join(directory, "t/XDG_CONFIG_HOME/libvirt/qemu");
  const nvramDirectory = join(libvirtDirectory, "nvram");
  const complete = completionFor({ version: qemuVersion(), nvramDirectory });
  const answers = new Map<string, Answers>();
  const refusals = new Map<string, string>();
  const live = new Map<string, string>();

  const given = (name: string): string =>
    readFileSync(new URL(`${name}.xml`, xmlDirectory), "utf8").replaceAll("@DIR@", images);
  const ours = (name: string): Definition => Definition.parse(given(name), complete);
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  };

  before(async () => {
    chmodSync(directory, 0o755);
    makeImages(images);
    await teacher.start();
    const show = (name: string): string => `dumpxml --inactive --security-info ${name}; undefine --nvram ${name}`;
    const lines = names.flatMap((name) => [
      `define ${write(`${name}.xml`, given(name))}; ${show(name)}`,
      `define --validate ${write(`${name}-ours.xml`, dumpDefinition(ours(name), { secure: true }))}; ${show(name)}`,
    ]);
    const texts = await runBatch(teacher.socket, lines);
    for (const [at, name] of names.entries()) {
      answers.set(name, { theirs: normalise(texts[2 * at] ?? ""), again: normalise(texts[2 * at + 1] ?? "") });
    }
    const wrong = Object.entries(refused);
    const complaints = await runBatch(
      teacher.socket,
      wrong.map(([, each], at) => `define ${write(`refused-${at}.xml`, refusedXml(each))}`),
    );
    for (const [at, [name]] of wrong.entries()) refusals.set(name, complaints[at] ?? "");
    const runs = await runBatch(
      teacher.socket,
      started.map(
        (name) => `create --paused ${join(directory, `${name}.xml`)}; dumpxml --security-info ${name}; destroy ${name}`,
      ),
    );
    for (const [at, name] of started.entries()) live.set(name, normaliseLive(runs[at] ?? ""));
  });

  after(async () => {
    await teacher.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const name of names) {
    it(`is shown the same: ${name}`, () => {
      const shown = normalise(dumpDefinition(ours(name), { secure: true }));
      const { theirs } = answers.get(name) ?? {};
      if (name in different) assert.notEqual(shown, theirs, "it is the same: it is not to be listed as different");
      else assert.equal(shown, theirs);
    });
  }

  for (const name of names.filter((each) => !(each in different))) {
    it(`is valid as we show it, and read again the same: ${name}`, () => {
      const shown = dumpDefinition(ours(name), { secure: true });
      const again = normalise(dumpDefinition(Definition.parse(shown, complete), { secure: true }));
      assert.equal(again, answers.get(name)?.again);
    });
  }

  for (const name of started) {
    it(`is shown the same while it runs: ${name}`, async () => {
      const channelDirectory = join(libvirtDirectory, "channel/target");
      const facts = { nvramDirectory, channelDirectory, freePort: async (first: number) => first };
      const shown = dumpDefinition(await prepareRun(ours(name), facts), { id: 1, secure: true });
      assert.equal(normaliseLive(shown), live.get(name));
    });
  }

  for (const [name, each] of Object.entries(refused)) {
    it(`is refused in the same words: ${name}`, () => {
      const theirs = refusals.get(name) ?? "";
      assert.throws(
        () => Definition.parse(refusedXml(each), complete),
        (error: Error) => {
          assert.equal(error.message, theirs.replace(/^.*\nerror: /s, "").trim());
          return true;
        },
      );
    });
  }
});

function makeImages(directory: string): void {
  mkdirSync(directory);
  chmodSync(directory, 0o777);
  for (const name of ["a.raw", "b.raw", "c.iso"]) writeFileSync(join(directory, name), Buffer.alloc(1_048_576));
  const create = (name: string, ...more: string[]): void => {
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", ...more], { cwd: directory, stdio: "ignore" });
    chmodSync(join(directory, name), 0o666);
  };
  create("a.qcow2", "a.qcow2", "4M");
  create("base.qcow2", "-b", "a.raw", "-F", "raw", "base.qcow2", "4M");
  create("top.qcow2", "-b", "base.qcow2", "-F", "qcow2", "top.qcow2");
  for (const name of ["a.raw", "b.raw", "c.iso"]) chmodSync(join(directory, name), 0o666);
}

/** major * 1,000,000 + minor * 1,000 + release. */
function qemuVersion(): bigint {
  if (skip !== false) return 0n;
  const text = execFileSync(qemu, ["--version"], { encoding: "utf8" });
  const [, major = "0", minor = "0", release = "0"] = /version (\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  return BigInt(major) * 1_000_000n + BigInt(minor) * 1_000n + BigInt(release);
}
