import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { connectReadOnly, ErrorCode, lxc, type Program, qemu, remote } from "../../src/protocol/index.ts";
import { type Answer, Prober } from "./coverage/probe.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";

const skip = existsSync(libvirtd) ? false : `no ${libvirtd}: apt-get install libvirt-daemon`;

/** Every bit that makes a call one that changes something, or tells a secret. */
const flags = [0, 0xffff_ffff];

/** Of these libvirtd minds an argument before it minds who asks. */
const elsewhereFirst: ReadonlySet<string> = new Set([
  "domainSetLaunchSecurityState",
  "domainFdAssociate",
  "domainManagedSaveDefineXml",
  "domainOpenGraphics",
  "domainAuthorizedSshKeysSet",
  "domainAttach",
  "connectDomainMonitorEventDeregister",
]);

describe("who may only read", { skip, timeout: 60_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-read-only-"));
  const path = join(directory, "ours-sock");
  const teacher = new Teacher(join(directory, "teacher"));
  let loop: Loop;
  let driver: TestDriver;
  let daemon: Daemon;

  before(async () => {
    // For a libvirtd that is nobody.
    chmodSync(directory, 0o755);
    await teacher.start();
    loop = openLoop();
    driver = new TestDriver(loop);
    daemon = new Daemon(loop, { drivers: [driver] });
    daemon.listen({ path });
  });

  after(async () => {
    await daemon.close(0);
    await driver.close();
    await loop.close();
    await teacher.stop();
    rmSync(directory, { recursive: true });
  });

  it("hears of every call of libvirt's what libvirtd says", async (test) => {
    const calls = [remote, qemu, lxc].flatMap((program: Program) =>
      Object.entries(program.procedures)
        .filter(([name, { kind }]) => kind === "call" && !/^(connectOpen|connectClose|auth.*)$/.test(name))
        .map(([name]) => ({ program, name })),
    );
    const there = await refusals(teacher.socket, calls);
    const here = await refusals(path, calls);
    // What this libvirtd does not know it cannot refuse.
    const common = [...there.keys()].filter((key) => !isUnknown(there.get(key)));
    const differing = common.filter((key) => refusalOf(here.get(key)) !== refusalOf(there.get(key)));
    const surprises = differing.filter((key) => refusalOf(there.get(key)) !== "" || !elsewhereFirst.has(nameOf(key)));
    assert.deepEqual(
      surprises.map((key) => [key, here.get(key)]),
      surprises.map((key) => [key, there.get(key)]),
    );
    const refused = common.filter((key) => refusalOf(there.get(key)) !== "");
    test.diagnostic(`${refused.length} of ${common.length} calls are refused by both, in the same words`);
    assert.ok(refused.length > 2 * 190, String(refused.length));
  });

  async function refusals(socket: string, calls: readonly { program: Program; name: string }[]) {
    const answers = new Map<string, Answer>();
    let prober = new Prober(loop, socket);
    await prober.open(connectReadOnly);
    for (const { program, name } of calls) {
      for (const bits of flags) {
        const answer = await prober.ask(program, name, bits === 0 ? {} : { flags: bits });
        answers.set(`${program.name} ${name} ${bits}`, answer);
        if (answer.kind !== "nothing") continue;
        // It has hung up on us; the next call is none of that.
        await prober.close();
        prober = new Prober(loop, socket);
        await prober.open(connectReadOnly);
      }
    }
    await prober.close();
    return answers;
  }
});

function nameOf(key: string): string {
  return key.split(" ")[1] ?? "";
}

/** "" for what is not refused to those who may only read. */
function refusalOf(answer: Answer | undefined): string {
  return answer?.kind === "error" && answer.code === ErrorCode.operationDenied ? answer.message : "";
}

function isUnknown(answer: Answer | undefined): boolean {
  return answer?.kind === "error" && answer.code === ErrorCode.rpc;
}
