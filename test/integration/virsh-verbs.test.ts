import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { after, before, suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { runVerb } from "../../src/cli/verbs/run-verb.ts";
import { type Connection, open } from "../../src/open/index.ts";
import { libvirtd, Teacher } from "../conformance/virsh/teacher.ts";

const main = join(import.meta.dirname, "../../src/cli/main.ts");

interface Answer {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

/** Command lines that are to be answered as by virsh, in this order; PLACE is a directory, and _ a space in XML. */
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
net-list --name
net-list --uuid
net-list --persistent
net-list --transient --all
net-list --autostart
net-list --no-autostart
net-list --table
net-list --title
net-name default
net-name ef861801-45b9-11cb-88e3-afbfe5370493
net-name dd8fe884-6c02-601e-7551-cca97df1c5df
net-define PLACE/net.xml
net-define PLACE/nosuch.xml
net-info n1
net-undefine n1
net-create PLACE/net.xml
net-create PLACE/net.xml
net-list
net-dumpxml n1
net-destroy n1
net-dhcp-leases default
net-dhcp-leases nosuch
net-update default add ip-dhcp-host <host_mac='52:54:00:00:00:01'_ip='192.168.122.9'/> --live
net-update default add-last ip-dhcp-host <host_mac='52:54:00:00:00:02'_ip='192.168.122.10'/>
net-update default delete ip-dhcp-host <host_mac='52:54:00:00:00:01'_ip='192.168.122.9'/> --live --config
net-update default add-first ip-dhcp-host <host_mac='52:54:00:00:00:03'_ip='192.168.122.11'/> --config
net-update default delete ip-dhcp-host <host_mac='52:54:00:00:00:09'_ip='192.168.122.19'/>
net-update default frob ip-dhcp-host <host/>
net-update default add frob <host/>
net-update default add bridge PLACE/nosuch.xml
net-update default add ip <ip/> --parent-index x
net-dumpxml default
net-dumpxml default --inactive
pool-list --name
pool-list --uuid
pool-list --persistent
pool-list --transient
pool-list --autostart
pool-list --no-autostart
pool-list --type dir
pool-list --type netfs
pool-list --type frob
pool-info default-pool --bytes
pool-name default-pool
pool-name dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566
pool-define PLACE/pool.xml
pool-list --all --details
pool-build p1
pool-start p1
pool-start p1
pool-info p1
pool-list
pool-autostart p1
pool-list --autostart
pool-autostart p1 --disable
pool-destroy p1
pool-delete p1
pool-undefine p1
pool-undefine p1
pool-create PLACE/pool.xml
pool-create PLACE/pool.xml
pool-create-as p2 dir --target /tmp/p2
pool-define-as p3 dir --target /tmp/p3
pool-define-as p3 dir --target /tmp/p3 --print-xml
pool-define-as p4 netfs --source-host h --source-path /x --target /tmp/p4 --print-xml
pool-create-as p5 logical --source-dev /dev/sda --source-name vg --target /dev/vg --print-xml
pool-create-as p5 fs --source-dev /dev/sda --source-format ext4 --target /x --print-xml
pool-build p1 --overwrite --no-overwrite
pool-define-as p9
pool-destroy p1
pool-destroy p2
vol-create-as default-pool va 10M
vol-create-as default-pool va 10M
vol-create-as default-pool vb 1G --allocation 0 --format qcow2
vol-create-as default-pool vc 1G --print-xml
vol-create-as default-pool vc 1G --format qcow2 --backing-vol va --backing-vol-format raw --print-xml
vol-create-as default-pool vc frob
vol-create-as nosuch vc 1G
vol-create default-pool PLACE/vol.xml
vol-create default-pool PLACE/nosuch.xml
vol-list default-pool
vol-list default-pool --details
vol-list nosuch
vol-info va default-pool
vol-info va --pool default-pool
vol-info va --pool default-pool --bytes
vol-info va --pool default-pool --bytes --physical
vol-info nosuch --pool default-pool
vol-info va --pool nosuch
vol-info /default-pool/va
vol-info nosuch
vol-dumpxml va default-pool
vol-path va default-pool
vol-key va default-pool
vol-name /default-pool/va
vol-pool /default-pool/va
vol-pool /default-pool/va --uuid
vol-clone va vaclone --pool default-pool
vol-clone va vx --pool default-pool --print-xml
vol-clone va va --pool default-pool
vol-create-from default-pool PLACE/vol2.xml va
vol-create-from default-pool PLACE/vol2.xml va --inputpool default-pool
vol-list default-pool
vol-resize va 20M --pool default-pool
vol-resize va frob --pool default-pool
vol-resize va 1M --delta --pool default-pool
vol-wipe va --pool default-pool
vol-wipe va --pool default-pool --algorithm dod
vol-wipe va --pool default-pool --algorithm frob
vol-delete va --pool default-pool
vol-delete va --pool default-pool
vol-upload vb PLACE/vol.xml --pool default-pool
vol-upload vb PLACE/nosuch.xml --pool default-pool
vol-download vb PLACE/out --pool default-pool
snapshot-list test
snapshot-current test
snapshot-create-as test s0 first
snapshot-create-as test s0
snapshot-create test PLACE/snapshot.xml
snapshot-create test PLACE/nosuch.xml
snapshot-create-as test s2 --halt
snapshot-list test
snapshot-list test --name
snapshot-list test --parent
snapshot-list test --roots
snapshot-list test --leaves
snapshot-list test --no-leaves
snapshot-list test --tree
snapshot-list test --tree --name
snapshot-list test --current
snapshot-list test --descendants
snapshot-list test --from s0
snapshot-list test --from s0 --descendants
snapshot-list test --from s0 --tree
snapshot-list test --from nosuch
snapshot-list test --internal
snapshot-list test --external
snapshot-list test --inactive
snapshot-list test --topological --name
snapshot-list nosuch
snapshot-current test --name
snapshot-info test s0
snapshot-info test --current
snapshot-info test s0 --current
snapshot-info test nosuch
snapshot-info test
snapshot-parent test s1
snapshot-parent test s0
snapshot-parent test --current
snapshot-dumpxml test s1
snapshot-dumpxml test
snapshot-create-as test s9 --print-xml
snapshot-create-as test s9 desc --disk-only --diskspec vda,file=/tmp/x --print-xml
snapshot-create-as test s9 desc --memspec /m,snapshot=external vda,snapshot=external,driver=qcow2,stype=block,file=/a,,b vdb,snapshot=no --print-xml
snapshot-create-as test s9 --diskspec vda,frob=1 --print-xml
snapshot-revert test s0
snapshot-revert test nosuch
snapshot-current test --name
snapshot-current test s1
snapshot-current test nosuch
snapshot-delete test s1
snapshot-delete test s0 --children-only
snapshot-list test --tree
snapshot-create-as test s3
snapshot-delete test s0 --children
snapshot-delete test nosuch
snapshot-list test
start test
domblkinfo test vda
domblkinfo test vdz
domblkinfo test --all
domblkstat test
domblkstat test vdz
domifstat test net0
domif-getlink test x
domif-getlink test testnet0
domif-getlink test aa:bb:cc:dd:ee:ff
domif-setlink test testnet0 down
domif-setlink test testnet0 sideways
dommemstat nosuch
domstats
domstats test
domstats test --state --vcpu
domstats --state --raw
domstats --list-inactive
domstats nosuch
domifaddr test
domifaddr test --full
domifaddr test --interface testnet0
domifaddr test --source frob
domblkerror test
domcontrol test
domblklist test --details
domblklist test --inactive
domiflist test --inactive
vcpuinfo test
vcpuinfo test --pretty
vcpupin test
vcpupin test 0
vcpupin test 0 0-1
vcpupin test 0 0-3,^2
vcpupin test 0 frob
vcpupin test 9 0
vcpupin test --cpulist 1
emulatorpin test
vcpucount test --maximum
vcpucount test --active --live
vcpucount test --current --config
vcpucount test --live --current
vcpucount test --active --maximum
setmaxmem test 9000000
setmem test 2G
setmem test 2000000 --config
setmem test abc
setmem test 1000000 --live --current
setmem test
setvcpus test 40
setvcpus test 0
setvcpus test abc
setvcpus test 2 --config
setvcpus test 2 --live
setvcpus test 2 --guest --config
domjobinfo test
domjobabort test
managedsave test
list --all --managed-save
managedsave-dumpxml test
managedsave-remove test
managedsave-remove test
managedsave-define test PLACE/nosuch.xml
start test
save test PLACE/t.save
save-image-dumpxml PLACE/t.save
save-image-define PLACE/t.save PLACE/nosuch.xml
save-image-dumpxml PLACE/nosuch.save
restore PLACE/t.save
dump test PLACE/core
dump test PLACE/core --format elf
dump test PLACE/core --live --crash
dump test PLACE/core --memory-only --format frob
desc test
desc test --title
desc test hello
desc test --title hello title
desc test
desc test --title
domrename test other
vncdisplay test
ttyconsole test
domhostname test
domfsinfo test
inject-nmi test
attach-device test PLACE/disk.xml
attach-device test PLACE/nosuch.xml
attach-device test PLACE/disk.xml --config
attach-device test PLACE/disk.xml --live --current
attach-disk test /tmp/d.img vdb
attach-disk test /tmp/d.img vdb --print-xml
attach-disk test /tmp/d.img vdb --driver qemu --subdriver qcow2 --cache none --mode readonly --type cdrom --targetbus ide --serial abc --print-xml
attach-disk test /dev/sda vdb --sourcetype block --shareable --print-xml
attach-disk test /dev/sda vdb --io native --iothread 1 --wwn 5000c50015ea71ad --alias ua-x --rawio --print-xml
attach-disk test /dev/null vdb --mode frob
attach-disk test
attach-interface test network default --print-xml
attach-interface test network default --mac 52:54:00:00:00:01 --model virtio --target vnet7 --print-xml
attach-interface test bridge br0 --config --print-xml
attach-interface test direct eth0 --source-mode bridge --alias ua-y --script /x --managed --print-xml
attach-interface test network default --inbound 100,200,300 --outbound 50 --print-xml
attach-interface test frob default --print-xml
attach-interface test network default
detach-disk test vda
detach-disk test vdz
detach-interface test network
detach-interface test bridge
detach-interface test network --mac 00:00:00:00:00:01
detach-device test PLACE/disk.xml
detach-device-alias test ua-x
update-device test PLACE/disk.xml
change-media test hdc --eject
change-media test vda --insert
console test
event --list
event
event --event frob
event --all --event reboot
event nosuch --all --timeout 1
event --all --timeout x
event --all --timeout 0
event --all --timeout 1
event --all --loop --timeout 1 test
edit test
net-edit default
pool-edit default-pool
dominfo
list --bogus
list --all=1
list --all --all
list frob
domstate
domstate --domain
`.trim();

const small =
  "<domain type='test'><name>small</name><uuid>00000000-0000-4000-8000-000000000001</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>";
const definitions = {
  net: "<network><name>n1</name><uuid>00000000-0000-4000-8000-000000000002</uuid><bridge name='virbr9'/><forward mode='nat'/><ip address='192.168.50.1' netmask='255.255.255.0'/></network>",
  pool: "<pool type='dir'><name>p1</name><uuid>00000000-0000-4000-8000-000000000003</uuid><target><path>/p1</path></target></pool>",
  vol: "<volume><name>v1</name><capacity>1048576</capacity></volume>",
  vol2: "<volume><name>v2</name><capacity>1048576</capacity></volume>",
  disk: "<disk type='file' device='disk'><source file='/tmp/d.img'/><target dev='vdb' bus='virtio'/></disk>",
  snapshot: "<domainsnapshot><name>s1</name><description>hello</description></domainsnapshot>",
};

/** Lines that are answered otherwise, and why. */
const differences: Readonly<Record<string, string>> = {
  "vol-info va --pool default-pool --bytes --physical":
    "virsh has printed the name when it learns that there is no more",
  "ttyconsole test": "virsh fails without a word",
  "vol-clone va vx --pool default-pool --print-xml":
    "virsh writes it with double quotes, unlike all other definitions, and with the key of the other volume",
};

async function answerOf(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Promise<Answer> {
  let [out, error] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (error += chunk.toString()));
  const status = await new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
  return { status, out, error };
}

/** In one session, as libvirt's simulator forgets everything with its last client. */
suite("the verbs of the command", { skip: !existsSync(libvirtd) && `${libvirtd} is not installed` }, () => {
  const directory = mkdtempSync(join(tmpdir(), "vw-verbs-"));
  chmodSync(directory, 0o777);
  const teachers = { virsh: new Teacher(join(directory, "one")), ours: new Teacher(join(directory, "other")) };
  const held: Connection[] = [];
  const uriOf = (who: keyof typeof teachers): string => `test+unix:///default?socket=${teachers[who].socket}`;

  before(async () => {
    process.env["EDITOR"] = "true";
    delete process.env["VISUAL"];
    writeFileSync(join(directory, "small.xml"), small);
    for (const [name, xml] of Object.entries(definitions)) writeFileSync(join(directory, `${name}.xml`), xml);
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
    const child = spawn("/usr/bin/virsh", ["-c", uriOf("virsh"), ...args], {
      env: { LC_ALL: "C", PATH: "/usr/bin:/bin", EDITOR: "true" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return answerOf(child);
  }

  /** The command as a process of its own. */
  async function program(args: readonly string[], input = ""): Promise<Answer> {
    const child = spawn(process.execPath, [main, "-c", uriOf("ours"), ...args], { stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.end(input);
    return answerOf(child);
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
    out: out
      .replaceAll(/CPU time: .*\n/g, "")
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "(date and time)")
      .replaceAll(/(?<=<creationTime>)\d+/g, "(time)"),
  });

  for (const [index, line] of lines.split("\n").entries()) {
    test(`${index + 1}: ${line}`, async () => {
      const args = line.split(" ").map((arg) => arg.replaceAll("PLACE", directory).replaceAll(/(?<=<.*)_/g, " "));
      const [one, other] = (await Promise.all([ours(args), virsh(args)])).map(stable);
      if (Object.hasOwn(differences, line)) assert.notDeepEqual(one, other, "this is no difference any more");
      else assert.deepEqual(one, other);
    });
  }

  test("tell of the same events", async () => {
    const args = ["event", "--all", "--loop", "--timeout", "4"];
    const both = Promise.all([ours(args), virsh(args)]);
    // Nothing says when virsh has subscribed.
    await setTimeout(2_000);
    for (const connection of held) {
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
    assert.deepEqual(await program([line]), await virsh([line]));
    const wrong = "list; frob; uri";
    assert.deepEqual(await program([wrong]), await virsh([wrong]));
  });

  test("are run from standard input", async () => {
    const { status, out, error } = await program(
      [],
      "list --name # those that run\nfrob\nnet-list --name; quit\nuri\n",
    );
    assert.deepEqual([status, out, error], [0, "test\n\ndefault\n\n", "error: unknown command: 'frob'\n"]);
  });
});
