import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { smallLinux } from "../../lab/guest/linux.ts";
import { fetchPackages } from "../../lab/xen/fetch.ts";
import { type SelftestOptions, type SelftestResult, selftest, tapStep } from "../../src/acceptance/index.ts";
import { FullDisk } from "../../src/cli/selftest/full-disk.ts";
import { signalGuest } from "../../src/cli/selftest/guest-process.ts";
import { callFaults, eventFaults } from "../../src/driver/test/index.ts";
import { domain, type OpenOptions, open } from "../../src/open/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../src/protocol/index.ts";
import { OurDaemon } from "../conformance/qemu/our-daemon.ts";
import { PrivateLibvirtd } from "../conformance/qemu/private-libvirtd.ts";
import { libvirtd, Teacher } from "../conformance/virsh/teacher.ts";

// Before all tests: nothing may be waited for between them.
const packages = await fetchPackages().catch(() => undefined);

const directory = mkdtempSync(join(tmpdir(), "vw-selftest-"));
// libvirtd runs as nobody where we are root, and writes images here.
chmodSync(directory, 0o777);
after(() => rmSync(directory, { recursive: true, force: true }));

async function run(
  uri: string,
  options: SelftestOptions & { readonly embed?: OpenOptions["embed"] } = {},
): Promise<SelftestResult> {
  const { embed = false, ...others } = options;
  await using connection = await open(uri, { embed });
  const list = async (place: string): Promise<string[]> => readdirSync(place);
  const remove = async (path: string): Promise<void> => rmSync(path, { force: true });
  return await selftest(connection, { directory, remove, list, ...others });
}

function onDisk(full: FullDisk | undefined): Pick<SelftestOptions, "full"> {
  return full === undefined ? {} : { full: full.path };
}

/** What a driver has told is so: ours never refuses at first; libvirt's may. */
function check(result: SelftestResult, { mayRepeat = false } = {}): void {
  if (!mayRepeat)
    assert.deepEqual(
      result.steps.filter(({ repeated }) => repeated !== undefined),
      [],
    );
  const failed = result.steps.filter(({ outcome }) => outcome === "failed");
  assert.equal(failed.map((step, index) => tapStep(step, index)).join(""), "");
  assert.deepEqual(result.leaks, []);
  assert.equal(result.ok, true);
}

describe("the self-test with the simulator", { timeout: 120_000 }, () => {
  it("is passed by ours, eight guests at once", async () => {
    using full = FullDisk.mount(directory, "TEST");
    const result = await run("test:///default", { embed: true, domains: 8, rounds: 5, ...onDisk(full) });
    check(result);
    const expected = full === undefined ? 18 : 19;
    assert.equal(result.steps.filter(({ outcome }) => outcome === "ok").length, 8 * 5 * expected);
  });

  it("is passed by libvirt's", { skip: !existsSync(libvirtd) && `${libvirtd} is not installed` }, async () => {
    using full = FullDisk.mount(directory, "TEST");
    const teacher = new Teacher(join(directory, "teacher"));
    await teacher.start();
    try {
      const options = { domains: 8, rounds: 5, ...onDisk(full) };
      check(await run(`test+unix:///default?socket=${teacher.socket}`, options), { mayRepeat: true });
    } finally {
      await teacher.stop();
      rmSync(join(directory, "teacher"), { recursive: true, force: true });
    }
  });

  it("counts refusals of a domain whose end has been told, and fails when they do not end", async () => {
    for (const [refusals, ok] of [
      [3, true],
      [Number.POSITIVE_INFINITY, false],
    ] as const) {
      await using connection = await open("test:///default", { embed: true });
      const create = connection.domainCreateXml.bind(connection);
      let left: number = refusals;
      const value: typeof create = async (...given) => {
        if (left-- > 0) throw VirError.of(ErrorCode.operationFailed, ErrorDomain.domain, "it is being removed");
        return create(...given);
      };
      Object.defineProperty(connection, "domainCreateXml", { value });
      const result = await selftest(connection, { directory, remove: async (path) => rmSync(path, { force: true }) });
      assert.equal(result.ok, ok);
      const step = result.steps.find((each) => each.step === "create");
      assert.equal(step?.outcome, ok ? "ok" : "failed");
      assert.equal(step?.repeated === 3, ok);
    }
  });

  /** What is done wrong, and the first step that finds it. */
  const found = [
    ["fail:domainSuspend", "suspend"],
    ["stall:domainResume", "resume"],
    ["delay:domainSave:1500", "save"],
    ["lose:lifecycle", "define"],
    ["reorder:lifecycle", "define"],
    ["die:domainReboot", "reboot"],
    ["die:lifecycle", "define"],
  ] as const;

  it("is tried with each kind of fault that there is", () => {
    const tried = found.map(([fault]) => fault.split(":").slice(0, 2));
    const of = (isCall: boolean): string[] =>
      tried.flatMap(([kind = "", occasion = ""]) => (occasion.startsWith("domain") === isCall ? [kind] : []));
    assert.deepEqual([of(true).toSorted(), of(false).toSorted()], [callFaults.toSorted(), eventFaults.toSorted()]);
  });

  for (const [fault, step] of found) {
    it(`finds ${fault}`, async () => {
      const result = await run(`test:///default?fault=${fault}`, { embed: true, deadlineMs: 1_000 });
      assert.equal(result.ok, false);
      assert.equal(result.steps.find(({ outcome }) => outcome === "failed")?.step, step);
    });
  }
});

const noQemu = existsSync("/usr/bin/qemu-system-x86_64") ? undefined : "no QEMU is installed";
const noGuest = packages === undefined ? "the small Linux could not be fetched" : undefined;

const skip = noQemu ?? noGuest ?? false;
const timeout = 170_000;

/** A Linux that says when it obeys its power button. */
async function guest(): Promise<SelftestOptions> {
  const { kernel: path, initrd } = await smallLinux(packages as NonNullable<typeof packages>);
  const kernel = { path, initrd, commandLine: "console=ttyS0 quiet" };
  const common = { name: "guest", type: "qemu", machine: "pc", console: "pty", memory: "128MiB" } as const;
  const definition = domain({ ...common, kernel, vcpus: { maximum: 2, current: 1 } }).toXml();
  return { definition, ready: "guest# ", shell: true, deadlineMs: 100_000, signal: signalGuest };
}

describe("the self-test with QEMU", { skip, timeout }, () => {
  it("is passed by ours in this process, two guests at once", async () => {
    const embed = { directory: mkdtempSync(join(tmpdir(), "vw-e-")) };
    try {
      check(await run("qemu:///system", { embed, domains: 2, deadlineMs: 100_000, signal: signalGuest }));
    } finally {
      rmSync(embed.directory, { recursive: true, force: true });
    }
  });

  it("is passed by ours, the guest rebooted, saved, stopped and killed", async () => {
    await using loop = openLoop();
    const ours = new OurDaemon(loop, join(directory, "ours"));
    using full = FullDisk.mount(directory, "QEMU");
    await ours.start();
    try {
      check(await run(`qemu+unix:///system?socket=${ours.socket}`, { ...(await guest()), ...onDisk(full) }));
    } finally {
      await ours.stop();
    }
  });
});

const obstacle = existsSync(libvirtd) ? PrivateLibvirtd.obstacle : `${libvirtd} is not installed`;

describe("the self-test with libvirt's QEMU driver", { skip: skip || (obstacle ?? false), timeout }, () => {
  it("is passed by it too", async () => {
    using full = FullDisk.mount(directory, "QEMU");
    const theirs = new PrivateLibvirtd(join(directory, "theirs"));
    await theirs.start();
    try {
      const options = { ...(await guest()), ...onDisk(full) };
      check(await run(`qemu+unix:///system?socket=${theirs.socket}`, options), { mayRepeat: true });
    } finally {
      await theirs.stop();
    }
  });
});
