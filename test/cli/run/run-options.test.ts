import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { readRunOptions } from "../../../src/cli/run/run-options.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";

const directory = mkdtempSync(join(tmpdir(), "virtwright-run-options-"));
after(() => rmSync(directory, { recursive: true }));

function fileOf(name: string, content = ""): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const disk = fileOf("debian-12.qcow2");
const kernel = fileOf("vmlinuz");
const initrd = fileOf("initrd.img");

suite("the options of run", () => {
  test("a disk is enough: the guest is called after it", () => {
    const options = readRunOptions([disk]);
    assert.equal(options?.name, "debian-12");
    assert.deepEqual([options?.memoryMib, options?.cpus, options?.remove], [1024, 1, false]);
    assert.equal(options?.append, undefined);
  });

  test("a kernel's console is the serial port, unless its arguments are given", () => {
    assert.equal(readRunOptions(["--kernel", kernel, "--initrd", initrd])?.append, "console=ttyS0");
    assert.equal(readRunOptions(["--kernel", kernel, "--append", ""])?.append, "");
  });

  test("memory is MiB, or has a unit", () => {
    const memory = (text: string): number | undefined => readRunOptions([disk, "-m", text])?.memoryMib;
    assert.deepEqual(["512", "512M", "2G", "1GiB", "2048k"].map(memory), [512, 512, 2048, 1024, 2]);
    for (const wrong of ["much", "-1", "0", "1X", "99999T", ""]) {
      assert.throws(() => memory(wrong), /is no amount of memory: write 512M or 2G|ambiguous/, wrong);
    }
  });

  test("ports are forwarded as they are written", () => {
    const of = (text: string) => readRunOptions([disk, "-p", text])?.forwards[0];
    assert.deepEqual(of("2222:22"), { protocol: "tcp", address: undefined, host: 2222, guest: 22 });
    assert.deepEqual(of("0.0.0.0:53:53/udp"), { protocol: "udp", address: "0.0.0.0", host: 53, guest: 53 });
    assert.deepEqual(of("[::1]:80:8080"), { protocol: "tcp", address: "::1", host: 80, guest: 8080 });
    for (const wrong of ["22", "0:22", "70000:22", "a:b", "1:2:3:4", "2222:22/sctp", "1,2:3"]) {
      assert.throws(() => of(wrong), /write HOST:GUEST, as in 2222:22/, wrong);
    }
  });

  test("keys of ssh are public ones", () => {
    const key = fileOf("key.pub", "ssh-ed25519 AAAAC3Nza me@here\n");
    assert.deepEqual(readRunOptions([disk, "--ssh-key", key])?.sshKeys, ["ssh-ed25519 AAAAC3Nza me@here"]);
    const secret = fileOf("key", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    assert.throws(() => readRunOptions([disk, "--ssh-key", secret]), /private key: give the public one/);
    assert.throws(() => readRunOptions([disk, "--ssh-key", disk]), /is not one public key/);
  });

  for (const [what, args, message] of [
    ["nothing to boot", [], /say what to boot/],
    ["two disks", [disk, disk], /one disk at most/],
    ["a file that is not there", [join(directory, "no.qcow2")], /there is no such file/],
    ["an initrd without a kernel", [disk, "--initrd", initrd], /go with --kernel/],
    ["a name with a slash", [disk, "--name", "a/b"], /without a slash/],
    ["no number of processors", [disk, "--cpus", "0"], /from 1 to 999/],
    ["an accelerator that is none", [disk, "--accel", "xen"], /kvm or tcg/],
    ["two places", [disk, "--connect", "qemu:///system", "--directory", directory], /not both/],
  ] as const) {
    test(`${what}: refused, and the fix is named`, () => {
      assert.throws(
        () => readRunOptions(args),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    });
  }

  test("help is no run", () => assert.equal(readRunOptions(["--help"]), undefined));
});
