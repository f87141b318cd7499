import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { QemuDriverOptions } from "../../src/driver/qemu/index.ts";
import type { Domain } from "../../src/protocol/index.ts";
import { Program } from "./program.ts";
import { Bench, bounded, call, commandOf, hasEnded, withDevices } from "./qemu-bench.ts";
import { guestUser } from "./qemu-user/guest-user.ts";

const skip = process.getuid?.() === 0 ? bounded.skip : "only root can start QEMU as another user";
const rooted = { ...bounded, skip };
const qemu = "64055:64055";

async function open(context: TestContext, options: Partial<QemuDriverOptions> = {}): Promise<Bench> {
  const bench = await Bench.open(context, { security: guestUser, ...options });
  // QEMU's user comes as far as the files that are its own.
  chmodSync(bench.directory, 0o711);
  return bench;
}

function file(bench: Bench, name: string, owner = 1000, mode = 0o600): string {
  const path = join(bench.directory, name);
  writeFileSync(path, Buffer.alloc(65_536));
  chmodSync(path, mode);
  chownSync(path, owner, owner);
  return path;
}

function ownerOf(path: string): string {
  const { uid, gid } = statSync(path);
  return `${uid}:${gid}`;
}

function userOf(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const numbers = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
  return [numbers("Uid"), numbers("Gid"), numbers("Groups"), numbers("CapEff")].join(" | ").replaceAll("\t", " ");
}

const asQemu = "64055 64055 64055 64055 | 64055 64055 64055 64055 |  | 0000000000000000";

const disk = (path: string, target: string, more = "", format = "raw"): string =>
  `<disk type='file' device='disk'><driver name='qemu' type='${format}'/><source file='${path}'/>
   <target dev='${target}' bus='virtio'/>${more}</disk>`;

async function live(bench: Bench, dom: Domain): Promise<string> {
  return (await call(bench.driver, "domainGetXmlDesc", { dom, flags: 0 })).xml;
}

/** What is lent, as it is on the disk. */
async function hasNoLoans(bench: Bench, { uuid }: Domain): Promise<void> {
  const path = join(bench.directory, "state/loans", `${uuid}.json`);
  for (let rounds = 0; existsSync(path) && rounds < 500; rounds++) await sleep(10);
  assert.equal(existsSync(path), false, path);
}

suite("QEMU as another user", () => {
  test("has no rights but its own, and its images for as long as it runs", rooted, async (context) => {
    const bench = await open(context);
    const [image, base, hidden, medium] = [
      file(bench, "a.img", 1000),
      file(bench, "base.img", 1000, 0o644),
      file(bench, "hidden.img", 1001),
      file(bench, "medium.iso", 0, 0o444),
    ];
    const top = join(bench.directory, "top.qcow2");
    for (const [path, below] of [
      [top, base],
      [`${top}.2`, hidden],
    ] as const)
      spawnSync("qemu-img", ["create", "-q", "-f", "qcow2", "-b", below, "-F", "raw", path]);
    const paths = [image, base, hidden, medium, top, `${top}.2`];
    const before = paths.map(ownerOf);
    const dom = await bench.define(
      withDevices(
        bench,
        disk(image, "vda") +
          disk(top, "vdb", "", "qcow2") +
          disk(`${top}.2`, "vdc", "", "qcow2") +
          `<disk type='file' device='cdrom'><source file='${medium}'/><target dev='hda'/></disk>
           <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>`,
      ),
    );
    const pid = await bench.start(dom);
    assert.equal(userOf(pid), asQemu);
    assert.match(commandOf(pid), /^\/usr\/bin\/qemu-system/);
    assert.deepEqual(paths.map(ownerOf), [qemu, "1000:1000", qemu, "0:0", qemu, qemu]);
    assert.equal(ownerOf(bench.serialLog), qemu);
    assert.match(
      await live(bench, dom),
      /<seclabel type='dynamic' model='dac' relabel='yes'>\s*<label>\+64055:\+64055<\/label>\s*<imagelabel>\+64055/,
    );
    const { labels } = await call(bench.driver, "domainGetSecurityLabelList", { dom });
    assert.deepEqual(
      labels.map(({ label }) => label),
      ["", "+64055:+64055"],
    );
    await bench.until(() => readFileSync(bench.serialLog, "utf8").includes("Booting"));
    await call(bench.driver, "domainDestroy", { dom });
    assert.deepEqual(paths.map(ownerOf), before);
    assert.equal(ownerOf(bench.serialLog), "0:0");
    await hasNoLoans(bench, dom);
    assert.deepEqual((await call(bench.driver, "domainGetSecurityLabelList", { dom })).labels, []);
  });

  test("is saved, goes on, is dumped, shown and heard", rooted, async (context) => {
    const bench = await open(context);
    const dom = await bench.define(
      withDevices(
        bench,
        `${disk(file(bench, "a.img"), "vda")}
         <graphics type='vnc' port='-1' autoport='yes'/><video><model type='vga'/></video><console type='pty'/>`,
      ),
    );
    await bench.start(dom);
    for (const name of ["saved", "managed"] as const) {
      const to = join(bench.directory, name);
      if (name === "saved") {
        await call(bench.driver, "domainSave", { dom, to });
        assert.equal(ownerOf(join(bench.directory, "a.img")), "1000:1000");
        await call(bench.driver, "domainRestore", { from: to });
      } else {
        await call(bench.driver, "domainManagedSave", { dom, flags: 0 });
        await call(bench.driver, "domainCreate", { dom });
      }
      assert.equal(userOf(bench.pid(dom)), asQemu, name);
      assert.equal(ownerOf(join(bench.directory, "a.img")), qemu, name);
    }
    const to = join(bench.directory, "core");
    await call(bench.driver, "domainCoreDumpWithFormat", { dom, to, dumpformat: 0, flags: 0 });
    assert.equal(ownerOf(to), "0:0");
    const picture = await call(bench.driver, "domainScreenshot", { dom, screen: 0, flags: 0 });
    assert.equal((picture as unknown as { ret: { mime: string } }).ret.mime, "image/png");
    await call(bench.driver, "domainDestroy", { dom });
  });

  test("gets what is plugged in later, and gives it back when it is unplugged", rooted, async (context) => {
    const bench = await open(context);
    const [image, one, two, copy] = ["a.img", "one.iso", "two.iso", "copy.img"].map((name) => file(bench, name));
    const cdrom = (path: string | undefined): string =>
      `<disk type='file' device='cdrom'>${path === undefined ? "" : `<source file='${path}'/>`}
       <target dev='hda'/><readonly/></disk>`;
    const dom = await bench.define(withDevices(bench, disk(image ?? "", "vda") + cdrom(one)));
    await bench.start(dom);
    const owners = (): string[] => [image, one, two, copy].map((path) => ownerOf(path ?? ""));
    assert.deepEqual(owners(), [qemu, qemu, "1000:1000", "1000:1000"]);
    await call(bench.driver, "domainUpdateDeviceFlags", { dom, xml: cdrom(two), flags: 1 });
    assert.deepEqual(owners(), [qemu, "1000:1000", qemu, "1000:1000"]);
    await call(bench.driver, "domainUpdateDeviceFlags", { dom, xml: cdrom(undefined), flags: 1 });
    assert.deepEqual(owners(), [qemu, "1000:1000", "1000:1000", "1000:1000"]);
    await call(bench.driver, "domainAttachDevice", { dom, xml: disk(two ?? "", "vdb") });
    assert.equal(ownerOf(two ?? ""), qemu);
    const missing = disk(two ?? "", "vdc", "", "qcow2");
    await assert.rejects(call(bench.driver, "domainAttachDevice", { dom, xml: missing.replace("two", "one") }));
    assert.equal(ownerOf(one ?? ""), "1000:1000", "no qcow2 image, so nothing was plugged in");
    const destination = `<disk type='file'><source file='${copy}'/><driver type='raw'/></disk>`;
    const copying = { dom, path: "vda", destxml: destination, params: [], flags: 2 | 4 };
    await call(bench.driver, "domainBlockCopy", copying);
    assert.equal(ownerOf(copy ?? ""), qemu);
    await bench.until(() => existsSync(copy ?? ""));
    for (let rounds = 0; !(await live(bench, dom)).includes("ready='yes'"); rounds++) {
      assert.ok(rounds < 500);
      await sleep(10);
    }
    // VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT
    await call(bench.driver, "domainBlockJobAbort", { dom, path: "vda", flags: 2 });
    await bench.until(() => ownerOf(image ?? "") === "1000:1000");
    assert.equal(ownerOf(copy ?? ""), qemu);
    await call(bench.driver, "domainDestroy", { dom });
    assert.deepEqual(owners(), Array(4).fill("1000:1000"));
  });

  test("is whom its definition names, and that one may get its files or not", rooted, async (context) => {
    const bench = await open(context);
    const image = file(bench, "a.img");
    const labelled = (label: string): string =>
      withDevices(bench, disk(image, "vda")).replace("</domain>", `${label}</domain>`);
    for (const [label, user, owner] of [
      [
        "<seclabel type='static' model='dac' relabel='no'><label>+0:+0</label></seclabel>",
        /^0 0 0 0 \| 0 0/,
        "1000:1000",
      ],
      [
        "<seclabel type='static' model='dac' relabel='yes'><label>+7777:+8</label></seclabel>",
        /^7777 .* \| 8 8/,
        "7777:8",
      ],
      ["<seclabel type='none' model='dac'/>", undefined, "1000:1000"],
    ] as const) {
      const dom = await bench.define(labelled(label));
      if (user === undefined) {
        await assert.rejects(bench.start(dom), /\.(img|log).*Permission denied/);
      } else {
        assert.match(userOf(await bench.start(dom)), user);
        assert.equal(ownerOf(image), owner);
        await call(bench.driver, "domainDestroy", { dom });
      }
      assert.equal(ownerOf(image), "1000:1000");
      await call(bench.driver, "domainUndefine", { dom });
    }
    const dom = await bench.define(
      labelled("<seclabel type='static' model='dac'><label>nosuch:root</label></seclabel>"),
    );
    await assert.rejects(bench.start(dom), /^VirError: invalid argument: Failed to parse user 'nosuch'$/);
  });

  test("gives back what it has when a daemon is there again, and not before", rooted, async (context) => {
    const bench = await open(context);
    const image = file(bench, "a.img");
    const dom = await bench.define(withDevices(bench, disk(image, "vda")));
    const pid = await bench.start(dom);
    await bench.driver.close();
    assert.equal(ownerOf(image), qemu, "the guest runs on");
    await bench.openDriver({ security: guestUser });
    assert.equal(ownerOf(image), qemu, "it was taken up");
    await bench.driver.close();
    process.kill(pid, "SIGKILL");
    while (!hasEnded(pid)) await sleep(10);
    assert.equal(ownerOf(image), qemu, "nobody is there");
    await bench.openDriver({ security: guestUser });
    await bench.until(() => ownerOf(image) === "1000:1000");
    await hasNoLoans(bench, dom);

    const next = await bench.start(dom);
    await bench.driver.close();
    process.kill(next, "SIGKILL");
    while (!hasEnded(next)) await sleep(10);
    // As when the machine has booted since.
    rmSync(join(bench.directory, "run"), { recursive: true });
    await bench.openDriver({ security: guestUser });
    assert.equal(ownerOf(image), "1000:1000");
    await hasNoLoans(bench, dom);
  });

  test("gives back what it has after its daemon was killed, at any moment of its start", rooted, async (context) => {
    const bench = await open(context);
    const image = file(bench, "a.img");
    await bench.driver.close();
    const definition = join(bench.directory, "guest.xml");
    const xml = withDevices(bench, disk(image, "vda"));
    writeFileSync(definition, xml.replace("<memory", "<uuid>04c6774c-a016-4ca7-8d75-9930f0bbbd69</uuid><memory"));
    const lender = join(import.meta.dirname, "qemu-user/lender.ts");
    const loans = join(bench.directory, "state/loans");
    const isWritten = (): boolean => spawnSync("sh", ["-c", `ls ${loans}/*.json`]).status === 0;
    for (const moment of ["written down", "given", "started"]) {
      await using program = new Program(process.execPath, [lender, bench.directory, definition]);
      if (moment === "started") await program.has(/started/);
      else for (; moment === "written down" ? !isWritten() : ownerOf(image) !== qemu; ) await sleep(1);
      program.signal("SIGKILL");
      await program.ended();
      await bench.openDriver({ security: guestUser });
      const { dom } = await call(bench.driver, "domainLookupByName", { name: "hello" });
      const [state] = await bench.state(dom);
      // It may have come as far before it was killed.
      if (state === 1) {
        assert.equal(ownerOf(image), qemu, "its guest runs on");
        bench.pid(dom);
        await call(bench.driver, "domainDestroy", { dom });
      }
      await bench.until(() => ownerOf(image) === "1000:1000");
      await hasNoLoans(bench, dom);
      await bench.driver.close();
    }
    await bench.openDriver({ security: guestUser });
  });
});
