import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";

const program = join(import.meta.dirname, "../../src/cli/main.ts");
const skip =
  !existsSync("/usr/bin/qemu-system-x86_64") && "missing: qemu-system-x86_64 (apt-get install qemu-system-x86)";
const directory = mkdtempSync(join(tmpdir(), "virtwright-import-"));
after(() => rmSync(directory, { recursive: true }));
const libvirt = join(directory, "libvirt");
const ours = join(directory, "ours");
const web = join(libvirt, "qemu/web.xml");

function definition(memory: number, more = ""): string {
  return `<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->

<domain type='qemu' xmlns:x='urn:x'>
  <name>web</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <metadata><x:owner>somebody</x:owner></metadata>
  <memory unit='KiB'>${memory}</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>${more}
</domain>
`;
}

function importing(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, "import", "--from", libvirt, "--directory", ours, ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });
}

/** All files below, with what is in them. */
function everything(path: string): string {
  return execFileSync("sh", ["-c", 'cd "$1" && find . -type f -exec sha256sum {} + | sort', "sh", path], {
    encoding: "utf8",
  });
}

suite("virtwright import", { skip }, () => {
  mkdirSync(join(libvirt, "qemu/autostart"), { recursive: true });
  writeFileSync(web, definition(65_536));
  symlinkSync(web, join(libvirt, "qemu/autostart/web.xml"));
  const before = everything(libvirt);

  test("a dry run says what would change, and changes nothing", () => {
    const { status, stdout } = importing("--dry-run");
    assert.equal(stdout, "domain web: new, starts by itself\n");
    assert.equal(status, 0);
    assert.ok(
      !existsSync(join(ours, "definitions")) ||
        readdirSync(join(ours, "definitions")).every((name) => !name.endsWith(".xml")),
    );
  });

  test("definitions are taken over whole, what we do not know included", () => {
    const { status, stdout, stderr } = importing();
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /1 taken over, 0 failed, 0 left as they were/);
    const file = readdirSync(join(ours, "definitions")).find((name) => name.endsWith(".xml")) ?? "";
    assert.match(readFileSync(join(ours, "definitions", file), "utf8"), /<x:owner>somebody<\/x:owner>/);
  });

  test("one that differs stays ours, is shown line by line, and is replaced on demand", () => {
    writeFileSync(web, definition(131_072));
    const shown = importing();
    assert.match(shown.stdout, /domain web: is here already, and differs \(--replace takes libvirt's\):\n/);
    assert.match(shown.stdout, /\n {4}- {2}<memory unit='KiB'>65536<\/memory>\n/);
    assert.match(shown.stdout, /\n {4}\+ {2}<memory unit='KiB'>131072<\/memory>\n/);
    assert.match(shown.stdout, /0 taken over, 0 failed, 1 left as they were/);
    assert.match(importing("--replace").stdout, /1 taken over/);
    writeFileSync(web, definition(65_536));
  });

  test("what cannot be read or taken is named, and the rest goes on", () => {
    const broken = join(libvirt, "qemu/broken.xml");
    writeFileSync(broken, "<domain");
    const { status, stdout } = importing("--dry-run");
    assert.equal(status, 1);
    assert.match(stdout, new RegExp(`${broken} cannot be read: `));
    assert.match(stdout, /domain web: /);
    rmSync(broken);
  });

  test("a directory that is not libvirt's is refused, and the fix is named", () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [program, "import", "--from", directory, "--directory", ours],
      {
        encoding: "utf8",
      },
    );
    assert.equal(status, 1);
    assert.match(stderr, /has none of libvirt's definitions: say where they are by --from/);
  });

  test("libvirt's files are as they were", () => assert.equal(everything(libvirt), before));
});
