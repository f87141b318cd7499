import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { Proxy } from "./clients/proxy.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";
import { Watcher } from "./virsh/watcher.ts";

const install = "/usr/bin/virt-install";
const missing = [install, "/usr/bin/virt-xml", "/usr/bin/virt-clone", libvirtd].filter((path) => !existsSync(path));
const skip = missing.length === 0 ? false : `no ${missing.join(", ")}: apt-get install virtinst libvirt-daemon`;

/** Each on the state that those before it have left. */
const commands: readonly string[] = [
  "virt-install --name one --memory 64 --disk pool=default-pool,size=1 --network network=default --osinfo generic " +
    "--import --noautoconsole --graphics none",
  "virt-install --name one --memory 64 --disk none --osinfo generic --import --noautoconsole",
  "virt-install --name two --memory 64 --disk pool=nosuch,size=1 --osinfo generic --import --noautoconsole",
  "virt-install --name two --memory 64 --disk pool=default-pool,size=900 --osinfo generic --import --noautoconsole",
  "virt-xml one --edit --memory 128 --define",
  "virt-xml one --add-device --disk pool=default-pool,size=1 --define",
  "virt-xml one --remove-device --disk 2 --define",
  "virt-xml nosuch --edit --memory 128",
  "virsh destroy one",
  "virt-clone -o one -n three --auto-clone",
  "virt-clone -o nosuch -n three --auto-clone",
  "virsh vol-list default-pool",
  "virsh undefine three --remove-all-storage",
  "virsh list --all",
  "virsh vol-list default-pool --details",
];

interface Side {
  readonly socket: string;
  readonly proxy: Proxy;
  readonly watcher: Watcher;
}

describe("virt-install, virt-xml and virt-clone on libvirt's test hypervisor and ours", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-install-"));
  let loop: Loop;
  let teacher: Teacher;
  let driver: TestDriver;
  let daemon: Daemon;
  let sides: Side[];

  before(async () => {
    chmodSync(directory, 0o755);
    loop = openLoop();
    teacher = new Teacher(join(directory, "teacher"));
    await teacher.start();
    driver = new TestDriver(loop);
    daemon = new Daemon(loop, { drivers: [driver] });
    const upstream = join(directory, "ours-sock");
    daemon.listen({ path: upstream });
    sides = await Promise.all(
      [teacher.socket, upstream].map(async (path, index) => {
        const socket = join(directory, `proxy-${index}`);
        const watcher = new Watcher(loop, path);
        await watcher.open();
        return { socket, proxy: new Proxy(loop, socket, path), watcher };
      }),
    );
  });

  after(async () => {
    for (const { watcher, proxy } of sides) {
      watcher.close();
      await proxy.close();
    }
    await daemon.close();
    await driver.close();
    await teacher.stop();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  for (const command of commands) {
    it(`ends the same: ${command}`, async () => {
      const [theirs, ours] = await Promise.all(sides.map((side) => run(side, command, directory)));
      assert.deepEqual(ours, theirs);
    });
  }

  it("has made the guest", async () => {
    const done = await Promise.all(sides.map((side) => run(side, "virsh domstate one", directory)));
    assert.deepEqual(
      done.map(({ code, stdout }) => [code, stdout.trim()]),
      [
        [0, "shut off"],
        [0, "shut off"],
      ],
    );
  });
});

interface Done {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command line says and does: its output, what it calls, and the errors that it is answered with. */
async function run({ socket, proxy }: Side, command: string, directory: string) {
  const [program = "", ...args] = command.split(" ");
  const home = `${socket}-home`;
  mkdirSync(home, { recursive: true });
  const env = { LC_ALL: "C.UTF-8", PATH: "/usr/bin:/bin", HOME: home, XDG_RUNTIME_DIR: home };
  const from = proxy.calls.length;
  // Behind a bar stands how far a volume has come, and in what time.
  const clean = (text: string): string => text.replaceAll(socket, "PLACE").replace(/ +\|.*$/gm, "");
  const uri = ["--connect", `test+unix:///default?socket=${socket}`];
  const done = await new Promise<Done>((resolve) => {
    const child = execFile(
      program,
      [...uri, ...args],
      { cwd: directory, timeout: 30_000, env },
      (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout: clean(stdout), stderr: clean(stderr) }),
    );
    child.stdin?.end();
  });
  // The meter of a new volume looks at it now and then.
  const calls = proxy.calls.slice(from).filter(({ name }) => name !== "storageVolGetInfo");
  const errors = calls.map(({ name, outcome }) =>
    outcome !== undefined && "error" in outcome ? `${name} ${outcome.error.message}` : "",
  );
  return { ...done, calls: new Set(calls.map(({ name }) => name)), errors: new Set(errors) };
}
