import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
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
