import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import {
  type Call,
  ErrorCode,
  ErrorDomain,
  errorDomainOf,
  lxc,
  type Program,
  publicFunction,
  qemu,
  remote,
} from "../../src/protocol/index.ts";
import { type Answer, probe } from "./coverage/probe.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";

interface Probe {
  readonly program: Program;
  readonly name: string;
  readonly api: string;
}

/** Calls whose answers differ, and why. */
const differences: Readonly<Record<string, string>> = {
  connectSetIdentity: "who acts for whom matters to access control alone, which is not there yet",
  connectDomainMonitorEventDeregister: "libvirtd knows that there is no such subscription; here nobody can subscribe",
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

/** What a domain or the host is asked; the other objects have tests of their own. */
const domains: readonly ErrorDomain[] = [
  ErrorDomain.domain,
  ErrorDomain.domainSnapshot,
  ErrorDomain.domainCheckpoint,
  ErrorDomain.none,
];

const probes = [remote, qemu, lxc].flatMap((program: Program): Probe[] => {
  const calls = Object.entries(program.procedures).filter((entry): entry is [string, Call] => entry[1].kind === "call");
  return calls.flatMap(([name, call]) => {
    const api = publicFunction(name, call);
    return api === undefined || !domains.includes(errorDomainOf(api)) ? [] : [{ program, name, api }];
  });
});

const skip = existsSync(libvirtd) ? false : `no ${libvirtd}: apt-get install libvirt-daemon`;

describe("every call about domains and the host", { skip }, () => {
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
    assert.ok(probes.length > 250, String(probes.length));
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
      const steady = (answer: Answer): unknown =>
        answer.kind === "result" && unsteady.includes(name) ? Object.keys(answer.result as object) : answer;
      if (reason === undefined) assert.deepEqual(steady(ours), steady(theirs));
      else assert.notDeepEqual(steady(ours), steady(theirs), "the difference is gone: take it out of the list");
    });
  }

  it("and libvirtd's test hypervisor has at least 140 of them", (test) => {
    const { asked, supported, newer } = counts;
    test.diagnostic(`of ${asked} calls libvirtd's test hypervisor has ${supported}; ${newer} are newer than it`);
    assert.ok(supported >= 140, String(supported));
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

function isUnsupported(answer: Answer): boolean {
  return answer.kind === "error" && answer.code === ErrorCode.noSupport;
}

/** What libvirt's own clients go by, too. */
function isUnknown(answer: Answer): boolean {
  return answer.kind === "error" && answer.code === ErrorCode.rpc && answer.message.startsWith("unknown procedure");
}
