import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { runVerb } from "../../src/cli/verbs/run-verb.ts";
import { type Connection, open } from "../../src/open/index.ts";
import { libvirtd, Teacher } from "../conformance/virsh/teacher.ts";

interface Answer {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

/** Command lines that are to be answered as by virsh, in this order; PLACE is a directory. */
const lines = `
list
list --all
list --all --title
list --inactive
list --name
list --uuid
list --id
list --name --uuid --all
list --uuid --all
list --persistent
list --transient
list --all --autostart
list --all --no-autostart
list --state-running
list --state-paused
list --all --state-shutoff
list --with-snapshot
list --without-snapshot
list --table --uuid
dominfo test
dominfo 1
dominfo 6695eb01-f6a4-8304-79aa-97f2502e193f
dominfo nosuch
domstate test
domstate test --reason
domstate nosuch
domid test
domuuid test
domname 1
domblklist test
domiflist test
vcpucount test
dumpxml test
dumpxml test --inactive
dumpxml nosuch
suspend test
domstate test
domstate test --reason
list
suspend test
resume test
domstate test --reason
resume test
setmem test 1000000
setvcpus test 1
vcpucount test
dominfo test
autostart test
dominfo test
list --autostart
autostart test --disable
reboot test
destroy test
destroy test
list
list --all
domid test
domstate test --reason
dominfo test
vcpucount test
start test
start test
start nosuch
list --all
shutdown test
shutdown test
list --all --state-shutoff
start test --paused
domstate test
resume test
define PLACE/small.xml
list --all
dominfo small
start small
list
destroy small
undefine small
undefine small
define PLACE/bad.xml
create PLACE/small.xml
list --transient
dominfo small
save small PLACE/small.save
list --all
restore PLACE/small.save
list
destroy small
restore PLACE/nosuch.save
nodeinfo
hostname
maxvcpus
version
capabilities
net-list
net-list --all
net-list --inactive
net-info default
net-info nosuch
net-uuid default
net-dumpxml default
net-destroy default
net-destroy default
net-list
net-list --all
net-info default
net-start default
net-start default
net-autostart default
net-list
net-autostart default --disable
net-undefine nosuch
pool-list
pool-list --all
pool-list --details
pool-info default-pool
pool-info nosuch
pool-uuid default-pool
pool-dumpxml default-pool
pool-refresh default-pool
pool-destroy default-pool
pool-list
pool-list --all
pool-info default-pool
pool-start default-pool
vol-list default-pool
dominfo
list --bogus
domstate
`.trim();

/** In one session, as libvirt's simulator forgets everything with its last client. */
suite("the verbs of the command", { skip: !existsSync(libvirtd) && `${libvirtd} is not installed` }, () => {
  const directory = mkdtempSync(join(tmpdir(), "vw-verbs-"));
  chmodSync(directory, 0o777);
  const teachers = { virsh: new Teacher(join(directory, "one")), ours: new Teacher(join(directory, "other")) };
  const held: Connection[] = [];
  const uriOf = (who: keyof typeof teachers): string => `test+unix:///default?socket=${teachers[who].socket}`;

  before(async () => {
    const small =
      "<domain type='test'><name>small</name><uuid>00000000-0000-4000-8000-000000000001</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>";
    writeFileSync(join(directory, "small.xml"), small);
    writeFileSync(join(directory, "bad.xml"), "<domain type='test'><name>bad</name></domain>");
    for (const who of ["virsh", "ours"] as const) {
      await teachers[who].start();
      held.push(await open(uriOf(who)));
    }
  });
  after(async () => {
    for (const connection of held) await connection.close();
    await Promise.all([teachers.virsh.stop(), teachers.ours.stop()]);
    rmSync(directory, { recursive: true, force: true });
  });

  async function virsh(args: readonly string[]): Promise<Answer> {
    const child = spawn("/usr/bin/virsh", ["-c", uriOf("virsh"), ...args], { env: { LC_ALL: "C", PATH: "/usr/bin" } });
    let [out, error] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (error += chunk.toString()));
    const status = await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
    return { status, out, error };
  }

  async function ours([name = "", ...args]: readonly string[]): Promise<Answer> {
    let [out, error] = ["", ""];
    try {
      const output = { out: (text: string) => void (out += text), error: (text: string) => void (error += text) };
      const status = await runVerb(name, ["--connect", uriOf("ours"), ...args], {}, output);
      return { status, out, error };
    } catch (thrown) {
      return { status: 1, out, error: `error: ${(thrown as Error).message}\n` };
    }
  }

  /** What no two runs have in common: time that has passed, and that libvirt's simulator counts from 1970. */
  const stable = ({ status, out, error }: Answer): Answer => ({
    status,
    error,
    out: out.replaceAll(/CPU time: .*\n/g, ""),
  });

  for (const [index, line] of lines.split("\n").entries()) {
    test(`${index + 1}: ${line}`, async () => {
      const args = line.replaceAll("PLACE", directory).split(" ");
      assert.deepEqual(stable(await ours(args)), stable(await virsh(args)));
    });
  }
});
