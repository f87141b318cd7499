import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Daemon } from "../../../src/daemon/index.ts";
import { XenDriver } from "../../../src/driver/xen/index.ts";
import type { Loop } from "../../../src/event/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { uuid, wordsOf, xml } from "./bench.ts";
import { FakeXen } from "./fake-xen.ts";

const virsh = "/usr/bin/virsh";
const skip = existsSync(virsh) ? false : "no /usr/bin/virsh: apt-get install libvirt-clients";

/** Debian's virsh, the daemon and the driver as they are; Xen alone is a fake. */
describe("Debian's virsh on xen:///system", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-"));
  const socket = join(directory, "sock");
  const definition = join(directory, "hello.xml");
  const log: string[] = [];
  let loop: Loop;
  let xen: FakeXen;
  let driver: XenDriver;
  let daemon: Daemon;

  before(async () => {
    loop = openLoop();
    xen = new FakeXen({ turn: async () => {}, later: (_what, act) => loop.post(act) });
    const places = { stateDir: join(directory, "state"), runDir: join(directory, "run") };
    driver = await XenDriver.open(loop, { ...places, xen: xen.surroundings });
    driver.subscribe(({ event }) => log.push(wordsOf(event)));
    daemon = new Daemon(loop, { drivers: [driver] });
    daemon.listen({ path: socket });
  });

  after(async () => {
    await daemon.close();
    await driver.close();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  /** Prints and fails as virsh does. */
  function run(...args: string[]): Promise<string> {
    return new Promise((resolve) => {
      const options = { timeout: 60_000, env: { LC_ALL: "C", PATH: "/usr/bin:/bin" } };
      execFile(virsh, ["-c", `xen+unix:///system?socket=${socket}`, ...args], options, (_error, stdout, stderr) => {
        resolve((stdout + stderr).trim());
      });
    });
  }

  async function define(text: string): Promise<string> {
    await writeFile(definition, text);
    return run("define", definition);
  }

  it("lists domain 0", async () => {
    assert.match(await run("list"), /^ 0 +Domain-0 +running$/m);
    assert.match(await run("dominfo", "0"), /^OS Type: +xen$[^]*^Managed save: +no$(?![^]*error)/m);
    assert.match(await run("destroy", "Domain-0"), /Domain-0 does not support requested operation/);
  });

  it("takes a guest through its life", async () => {
    assert.match(await define(xml()), /Domain 'hello' defined/);
    assert.match(await run("start", "hello"), /started/);
    assert.match(await run("suspend", "hello"), /suspended/);
    assert.match(await run("domstate", "--reason", "hello"), /^paused \(user\)$/);
    assert.match(await run("resume", "hello"), /resumed/);
    assert.match(
      await run("dumpxml", "hello"),
      /^<domain type='xen' id='1'>[^]*<console type='pty' tty='\/dev\/pts\/1'>/,
    );
    assert.equal(await run("ttyconsole", "hello"), "/dev/pts/1");
    assert.equal(await run("setmem", "hello", "8M"), "");
    assert.equal(await run("setvcpus", "hello", "1"), "");
    assert.match(await run("dominfo", "hello"), /^CPU\(s\): +1$[^]*^Used memory: +8192 KiB$/m);
    assert.equal(await run("dommemstat", "hello"), "actual 8192\navailable 8192");
    assert.match(await run("schedinfo", "hello", "--live", "weight=512"), /^Scheduler +: credit2$[^]*^weight +: 512$/m);
    assert.match(await run("schedinfo", "Domain-0"), /^weight +: 256$/m);
    assert.match(await run("schedinfo", "hello", "--live", "weight=0"), /weight must be from 1 to 65535/);
    assert.match(
      await run("vcpuinfo", "hello"),
      /^VCPU: +0\nCPU: +0\nState: +running\nCPU time: +1.0s\nCPU Affinity: +yyyy$/,
    );
    assert.equal(await run("vcpupin", "hello", "0", "1-2", "--live", "--config"), "");
    assert.match(await run("vcpuinfo", "hello"), /^CPU Affinity: +-yy-$/m);
    assert.match(await run("vcpupin", "hello", "--config"), /^ 0 +1-2$/m);
    assert.match(await run("dumpxml", "hello"), /<cputune>\s*<vcpupin vcpu='0' cpuset='1-2'\/>\s*<\/cputune>/);
    assert.match(await run("vcpupin", "hello", "4", "1"), /error: invalid argument: vcpu '4' is not active/);
    assert.match(await run("vcpuinfo", "Domain-0"), /^State: +running$/m);
    assert.match(await run("domstats", "hello"), /state.state=1[^]*cpu.time=1000000000[^]*balloon.current=8192/);
    assert.match(await run("domstats", "hello", "--vcpu"), /vcpu\.0\.state=1\n +vcpu\.0\.time=1000000000/);
    assert.match(await run("cpu-stats", "hello"), /^CPU0:\n\tcpu_time +1\.000000000 seconds\n[^]*^Total:\n\tcpu_time/m);
    assert.match(await run("domblkstat", "hello", "xvda"), /operation is not valid: invalid path: xvda$/);
    assert.match(await run("domifstat", "hello", "vif9.0"), /invalid argument: 'vif9.0' is not a known interface$/);
    assert.match(await run("domjobinfo", "hello"), /^Job type: +None/);
    assert.match(await run("domjobabort", "hello"), /no job is active on the domain/);
    assert.match(await run("save", "hello", join(directory, "image")), /saved to/);
    assert.match(await run("list", "--all"), /^ - +hello +shut off$/m);
    assert.match(await run("dommemstat", "hello"), /error: Failed to get memory statistics for domain hello/);
    assert.match(await run("save-image-dumpxml", join(directory, "image")), /<name>hello<\/name>/);
    assert.match(await run("restore", join(directory, "image")), /restored from/);
    assert.match(await run("managedsave", "hello"), /state saved/);
    assert.match(await run("start", "hello"), /started/);
    assert.match(await run("dump", "hello", join(directory, "dump"), "--live"), /dumped to/);
    assert.match(await run("destroy", "hello"), /destroyed/);
    assert.match(await run("autostart", "hello"), /marked as autostarted/);
    assert.match(await run("list", "--all", "--autostart"), /hello/);
    assert.match(await run("undefine", "hello"), /has been undefined/);
    assert.deepEqual(log, [
      "defined added",
      "started booted 1",
      "suspended paused 1",
      "resumed unpaused 1",
      "stopped saved 1",
      "started restored 2",
      "stopped saved 2",
      "started restored 3",
      "stopped destroyed 3",
      "undefined removed",
    ]);
  });

  it("translates files of xl's, both ways", async () => {
    const file = join(import.meta.dirname, "native/golden/pv.xl");
    const translated = await run("domxml-from-native", "xen-xl", file);
    assert.match(translated, /<name>pv-xl<\/name>[^]*<source bridge='xenbr0'\/>/);
    await define(translated);
    const back = await run("domxml-to-native", "xen-xl", "--domain", "pv-xl");
    assert.match(
      back,
      /^name = "pv-xl"$[^]*^disk = \[ "format=raw,vdev=xvda,access=rw,backendtype=qdisk,target=\/dev\/vg\/guest" \]$/m,
    );
    assert.ok(readFileSync(file, "utf8").includes("xvda"));
    await run("undefine", "pv-xl");
  });

  it("sees what others make and end", async () => {
    xen.make("theirs", "14c6774c-a016-4ca7-8d75-9930f0bbbd69");
    assert.match(await run("list"), /theirs +running/);
    xen.remove(xen.ids[0] ?? 0);
    assert.doesNotMatch(await run("list", "--all"), /theirs/);
  });

  it("plugs disks and cards, in the guest and in its definition", async () => {
    await define(xml());
    await run("start", "hello");
    const domid = xen.ids[0] ?? 0;
    const card = ["hello", "bridge", "br0", "--mac", "00:16:3e:00:00:01"];
    const both = ["--live", "--config"];
    const devices = async (...options: string[]): Promise<string[]> => {
      const text = await run("dumpxml", "hello", ...options);
      return [...text.matchAll(/<(?:target dev|mac address)='([^']*)'/g)].map(([, name]) => name ?? "");
    };
    assert.match(await run("attach-disk", "hello", "/dev/a", "xvdb", ...both), /Disk attached successfully/);
    assert.match(await run("attach-disk", "hello", "/dev/b", "xvda"), /Disk attached successfully/);
    assert.match(await run("attach-interface", ...card, ...both), /Interface attached successfully/);
    assert.deepEqual(xen.devicesOf(domid), ["disk xvdb", "disk xvda", "nic 00:16:3e:00:00:01"]);
    assert.deepEqual(await devices(), ["xvda", "xvdb", "00:16:3e:00:00:01"]);
    assert.deepEqual(await devices("--inactive"), ["xvdb", "00:16:3e:00:00:01"]);
    assert.match(await run("attach-disk", "hello", "/dev/a", "xvdb"), /target xvdb already exists$/);
    assert.match(await run("attach-disk", "hello", "/dev/a", "xvdb", "--config"), /target xvdb already exists\.$/);
    assert.match(await run("attach-disk", "hello", "/dev/a", "vda"), /disk bus 'virtio' cannot be hotplugged\.$/);
    assert.match(await run("attach-interface", ...card), /network device with mac 00:16:3e:00:00:01 already exists/);
    assert.match(await run("detach-disk", "hello", "xvda"), /Disk detached successfully/);
    assert.match(await run("detach-interface", "hello", "bridge", ...card.slice(3), ...both), /detached successfully/);
    assert.deepEqual(xen.devicesOf(domid), ["disk xvdb"]);
    assert.deepEqual(await devices("--inactive"), ["xvdb"]);
    await run("destroy", "hello");
    assert.match(await run("detach-disk", "hello", "xvdb", "--config"), /Disk detached successfully/);
    assert.deepEqual(await devices(), []);
    await run("undefine", "hello");
  });

  it("is told what there is not", async () => {
    await define(xml());
    assert.match(await run("detach-device-alias", "hello", "net0"), /not supported by the connection driver/);
    assert.match(await run("domid", uuid), /^-$/);
    await run("undefine", "hello");
  });

  it("is told that guests do not move to another host, whichever way is asked for", async () => {
    await define(xml());
    await run("start", "hello");
    const refusals = [
      [["migrate", "hello", `xen+unix:///system?socket=${socket}`], /driver: virDomainMigrate3$/],
      [
        ["migrate", "--p2p", "hello", "xen+ssh://elsewhere/system"],
        /p2p migration is not supported by the source host$/,
      ],
      [["migrate", "--direct", "hello", "xenmigr:elsewhere"], /direct migration is not supported by the source host$/],
      [["migrate-setspeed", "hello", "5"], /driver: virDomainMigrateSetMaxSpeed$/],
      [["migrate-setmaxdowntime", "hello", "5"], /driver: virDomainMigrateSetMaxDowntime$/],
      [["migrate-postcopy", "hello"], /driver: virDomainMigrateStartPostCopy$/],
    ] as const;
    for (const [args, message] of refusals) assert.match(await run(...args), message);
    assert.deepEqual(
      Object.keys(driver.procedures).filter((name) => name.startsWith("domainMigrate")),
      [],
    );
    assert.match(await run("domstate", "hello"), /^running$/);
    await run("destroy", "hello");
    await run("undefine", "hello");
  });

  it("tells of host and hypervisor", async () => {
    assert.match(await run("capabilities"), /<machine>xenpv<\/machine>[^]*<machine>xenpvh<\/machine>/);
    xen.hasHvm = false;
    assert.doesNotMatch(await run("capabilities"), /<os_type>(?:hvm|xenpvh)<\/os_type>/);
    xen.hasHvm = true;
    assert.match(
      await run("nodeinfo"),
      /^CPU frequency: +2000 MHz$[^]*^Core\(s\) per socket: +4$[^]*^Memory size: +16777216 KiB$/m,
    );
    const [, cells = ""] = /<cells num='2'>([^]*)<\/cells>/.exec(await run("capabilities")) ?? [];
    const cpus = [...cells.matchAll(/<cpu id='(\d)' socket_id='0' die_id='0' core_id='\d' siblings='([^']*)'\/>/g)];
    assert.deepEqual(
      cpus.map(([, id, siblings]) => `${id}: ${siblings}`),
      ["0: 0-1", "1: 0-1", "2: 2-3", "3: 2-3"],
    );
    const byNode = /^0: +4194304 KiB\n +1: +1048576 KiB\n-+\nTotal: +5242880 KiB$/;
    assert.match(await run("freecell", "--all"), byNode);
    assert.match(await run("freecell"), /^Total: 8388608 KiB$/);
    assert.equal(await run("uri"), `xen+unix:///system?socket=${socket}`);
  });
});
