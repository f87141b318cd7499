import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { type Call, ErrorCode, lxc, type Program, publicFunction, qemu, remote } from "../../src/protocol/index.ts";
import { type Answer, probe } from "./coverage/probe.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";

interface Probe {
  readonly program: Program;
  readonly name: string;
  readonly api: string;
}

/** Calls whose answers differ, and why. */
const differences: Readonly<Record<string, string>> = {
  connectSetIdentity: "who may call is known by the door; nobody is believed who acts for others",
  connectDomainMonitorEventDeregister:
    "libvirtd knows that there is no such subscription; here nobody can subscribe to the test hypervisor",
  connectSecretEventDeregisterAny: "libvirtd takes secrets for devices in what it says",
  domainOpenConsole: "libvirtd's test hypervisor has no consoles",
  domainAttachDevice: "libvirtd's test hypervisor changes no devices",
  domainDetachDevice: "libvirtd's test hypervisor changes no devices",
  domainAttachDeviceFlags: "libvirtd's test hypervisor changes no devices",
  domainDetachDeviceFlags: "libvirtd's test hypervisor changes no devices",
  domainUpdateDeviceFlags: "libvirtd's test hypervisor changes no devices",
  domainDetachDeviceAlias: "libvirtd's test hypervisor changes no devices",
  domainOpenGraphics: "libvirtd looks for the descriptor first; its test hypervisor does not have the call either",
};

/** Results made from the clock, or of which text the order is not fixed. */
const unsteady = ["domainGetInfo", "domainGetVcpus", "domainBlockStats", "domainInterfaceStats"];

/** Names in the order of a table of hashes, which libvirt seeds anew each time. */
const unordered: Readonly<Record<string, string>> = { nodeListDevices: "names", connectListAllNodeDevices: "devices" };

const probes = [remote, qemu, lxc].flatMap((program: Program): Probe[] => {
  const calls = Object.entries(program.procedures).filter((entry): entry is [string, Call] => entry[1].kind === "call");
  return calls.flatMap(([name, call]) => {
    const api = publicFunction(name, call);
    return api === undefined ? [] : [{ program, name, api }];
  });
});

const skip = existsSync(libvirtd) ? false : `no ${libvirtd}: apt-get install libvirt-daemon`;

describe("every call", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-coverage-"));
  const counts = { asked: 0, supported: 0, newer: 0 };
  let loop: Loop;
  let teacher: Teacher;

  before(async () => {
    // For a libvirtd that is nobody.
    chmodSync(directory, 0o755);
    loop = openLoop();
    teacher = new Teacher(join(directory, "teacher"));
    await teacher.start();
  });

  after(async () => {
    await teacher.stop();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  it("are many", () => {
    assert.ok(probes.length > 400, String(probes.length));
  });

  for (const { program, name } of probes) {
    const reason = differences[name];
    const title = reason === undefined ? "is answered as libvirtd's test hypervisor does" : `differs: ${reason}`;
    it(`${program.name} ${name} ${title}`, async (test) => {
      const theirs = await probe(loop, teacher.socket, program, name);
      counts.asked++;
      if (isUnknown(theirs)) {
        counts.newer++;
        test.diagnostic("this libvirtd is older than the call, so there is nothing to compare with");
        assert.ok(!isUnknown(await askOurs(loop, join(directory, "ours-sock"), program, name)), "ours knows it");
        return;
      }
      if (!isUnsupported(theirs)) counts.supported++;
      const ours = await askOurs(loop, join(directory, "ours-sock"), program, name);
      if (reason === undefined) assert.deepEqual(steady(name, ours), steady(name, theirs));
      else
        assert.notDeepEqual(
          steady(name, ours),
          steady(name, theirs),
          "the difference is gone: take it out of the list",
        );
    });
  }

  it("and libvirtd's test hypervisor has at least 250 of them", (test) => {
    const { asked, supported, newer } = counts;
    test.diagnostic(`of ${asked} calls libvirtd's test hypervisor has ${supported}; ${newer} are newer than it`);
    assert.ok(supported >= 250, String(supported));
  });
});

/** A fresh hypervisor, as libvirtd's is for each connection that is alone. */
async function askOurs(loop: Loop, path: string, program: Program, name: string): Promise<Answer> {
  const driver = new TestDriver(loop);
  const daemon = new Daemon(loop, { drivers: [driver] });
  daemon.listen({ path });
  const answer = await probe(loop, path, program, name);
  await daemon.close();
  await driver.close();
  return answer;
}

/** What is the same each time. */
function steady(name: string, answer: Answer): unknown {
  if (answer.kind !== "result") return answer;
  const result = answer.result as Readonly<Record<string, unknown>>;
  if (unsteady.includes(name)) return Object.keys(result);
  const list = result?.[unordered[name] ?? ""] as readonly unknown[] | undefined;
  return list === undefined ? answer : new Set(list.map((each) => JSON.stringify(each)));
}

function isUnsupported(answer: Answer): boolean {
  return answer.kind === "error" && answer.code === ErrorCode.noSupport;
}

/** What libvirt's own clients go by, too. */
function isUnknown(answer: Answer): boolean {
  return answer.kind === "error" && answer.code === ErrorCode.rpc && answer.message.startsWith("unknown procedure");
}
