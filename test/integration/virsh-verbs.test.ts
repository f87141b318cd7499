import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { libvirtd } from "../conformance/virsh/teacher.ts";
import { hostLines, optionLines, qemuLines, quietLines, small, testLines } from "./virsh-lines.ts";
import { VirshPair } from "./virsh-pair.ts";

const missing = [libvirtd, "/usr/bin/virsh"].filter((program) => !existsSync(program));
const reason = (paths: readonly string[]): string | false =>
  paths.length > 0 && `missing: ${paths.join(", ")} (apt-get install libvirt-daemon libvirt-clients qemu-system-x86)`;

suite("the verbs of the command", { skip: reason(missing) }, () => {
  const pair = new VirshPair((socket) => `test+unix:///default?socket=${socket}`);
  before(() => pair.start());
  after(() => pair.stop());

  for (const [index, line] of testLines.entries()) test(`${index + 1}: ${line}`, () => pair.compare(line));

  test("tell of the same events", async () => {
    const args = ["event", "--all", "--loop", "--timeout", "4"];
    const both = Promise.all([pair.ours(args), pair.virsh(args)]);
    // Nothing says when virsh has subscribed.
    await setTimeout(2_000);
    for (const connection of pair.held) {
      const domain = await connection.domain("small").catch(() => connection.domainDefineXml(small));
      await domain.create();
      await domain.suspend();
      await domain.resume();
      await domain.destroy();
      await domain.undefine();
    }
    const [one, other] = await both;
    assert.deepEqual(one, other);
    assert.match(one.out, /^event 'lifecycle' for domain 'small': Started Booted$/m);
  });

  test("are run as by virsh when they stand in one argument", async () => {
    const line = "list --all; net-list; echo 'a  b' c; dominfo nosuch; pool-info default-pool";
    assert.deepEqual(await pair.program([line]), await pair.virsh([line]));
    const wrong = "list; frob; uri";
    assert.deepEqual(await pair.program([wrong]), await pair.virsh([wrong]));
  });

  test("are run from standard input", async () => {
    const script = "list --name # those that run\nfrob\nnet-list --name; quit\nuri\n";
    const { status, out, error } = await pair.program([], script);
    assert.deepEqual([status, out, error], [0, "test\n\ndefault\n\n", "error: unknown command: 'frob'\n"]);
  });
});

suite("the verbs of the command about hosts and guests", { skip: reason(missing) }, () => {
  const pair = new VirshPair((socket) => `test+unix:///default?socket=${socket}`);
  before(() => pair.start());
  after(() => pair.stop());

  for (const [index, line] of hostLines.entries()) test(`${index + 1}: ${line}`, () => pair.compare(line));
});

suite("the options of the command's verbs", { skip: reason(missing) }, () => {
  const pair = new VirshPair((socket) => `test+unix:///default?socket=${socket}`);
  before(() => pair.start());
  after(() => pair.stop());

  for (const [index, line] of optionLines.entries()) test(`${index + 1}: ${line}`, () => pair.compare(line));
});

test("the options that our verbs are compared with are virsh's", { skip: reason(missing) }, async () => {
  const lines = readFileSync(join(import.meta.dirname, "../cli/verbs/virsh-options.txt"), "utf8")
    .trim()
    .split("\n");
  const written = lines.map((line) =>
    line.split(" ").map((option) => option.replace(/^--/, "").replace(/[?.#=]+$/, "")),
  );
  const all = written.map(([verb]) => `help ${verb}`).join("; ");
  const { stdout } = await promisify(execFile)("/usr/bin/virsh", [all], { env: { LC_ALL: "C" }, maxBuffer: 2 ** 24 });
  const told = stdout.split(/^ {2}NAME\n {4}/m).slice(1);
  assert.deepEqual(
    told.map((text) => {
      const options = /^ {2}OPTIONS\n(.*)/ms.exec(text)?.[1] ?? "";
      const names = [...options.matchAll(/^ {4}(?:\[?--|<)([\w-]+)/gm)].map(([, name]) => name);
      return [text.split(" ", 1)[0], ...names];
    }),
    written,
  );
});

suite("the command's verbs, quietly", { skip: reason(missing) }, () => {
  const pair = new VirshPair((socket) => `test+unix:///default?socket=${socket}`);
  before(() => pair.start());
  after(() => pair.stop());

  for (const [index, line] of quietLines.entries()) test(`${index + 1}: ${line}`, () => pair.compare(line, true));
});

const withQemu = [...missing, ...["/usr/bin/qemu-system-x86_64"].filter((path) => !existsSync(path))];

suite("the verbs of the command, for guests of QEMU", { skip: reason(withQemu) }, () => {
  const pair = new VirshPair((socket) => `qemu+unix:///session?socket=${socket}`);
  before(() => pair.start());
  after(() => pair.stop());

  for (const [index, line] of qemuLines.entries()) test(`${index + 1}: ${line}`, () => pair.compare(line));
});
