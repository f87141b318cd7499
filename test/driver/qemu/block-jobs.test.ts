import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockJobs } from "../../../src/driver/qemu/block-job/block-jobs.ts";
import { setMirror } from "../../../src/driver/qemu/block-job/chain-edit.ts";
import { beginCommit } from "../../../src/driver/qemu/block-job/starting.ts";
import { findDisk } from "../../../src/driver/qemu/devices-of.ts";
import { changed } from "../../../src/driver/qemu/modification.ts";
import type { Run } from "../../../src/driver/qemu/run.ts";
import type { Domain } from "../../../src/model/index.ts";
import type { DomainEvent } from "../../../src/protocol/index.ts";
import { parseXml } from "../../../src/xml/index.ts";
import { Bench } from "./bench.ts";

const disk = `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/top' index='1'/>
  <backingStore type='file' index='2'><format type='qcow2'/><source file='/mid'/>
    <backingStore type='file' index='3'><format type='raw'/><source file='/base'/><backingStore/></backingStore>
  </backingStore>
  <mirror type='file' job='active-commit'><format type='raw'/><source file='/base' index='3'/></mirror>
  <target dev='vda' bus='virtio'/></disk>`;

async function setUp(): Promise<{ bench: Bench; jobs: BlockJobs; domain: Domain; run: Run; told: string[]; say: Say }> {
  const bench = new Bench();
  const told: string[] = [];
  const publish = bench.guests.publish.bind(bench.guests);
  bench.guests.publish = (event: DomainEvent) => {
    if (event.name === "blockJob") told.push(`${event.path} ${event.type} ${event.status}`);
    publish(event);
  };
  const domain = await bench.running();
  const run = bench.guests.runOf(domain) ?? assert.fail("no run");
  assert.ok(domain.definition);
  run.describe(changed(domain.definition, (root) => root.first("devices")?.children.push(parseXml(disk).root)));
  const jobs = new BlockJobs(bench.guests);
  run.onMonitorEvent((event) => jobs.onEvent(domain, run, event));
  const say: Say = async (name, data) => {
    bench.host.last.transport.event(name, data);
    await bench.hand.settle();
  };
  return { bench, jobs, domain, run, told, say };
}

type Say = (name: string, data: Record<string, unknown>) => Promise<void>;

/** The files of the disk, from the top, and whether it is being copied. */
function shown({ definition }: Domain): string {
  const text = definition?.toXml() ?? "";
  return [
    ...Array.from(text.matchAll(/<source file='([^']+)'/g), ([, file]) => file),
    /<mirror[^>]*>/.exec(text)?.[0],
  ].join(" ");
}

test("a guest that is switched to the image below goes on with that alone", async () => {
  const { jobs, domain, run, told, say } = await setUp();
  await say("BLOCK_JOB_READY", { device: "active-commit-vda", len: 1, offset: 1 });
  assert.match(shown(domain), /ready='yes'/);
  jobs.pivot(run, "active-commit-vda");
  await say("BLOCK_JOB_COMPLETED", { device: "active-commit-vda", len: 1, offset: 1 });
  assert.equal(shown(domain), "/base ");
  assert.deepEqual(told, ["/top 4 3", "/base 4 0"]);
});

test("a job that is ready before QEMU has answered the command is shown to be", async () => {
  const { bench, jobs, domain, run } = await setUp();
  const { definition } = domain;
  const own = definition && findDisk(definition, "vda");
  assert.ok(definition && own);
  run.describe(changed(definition, (root) => setMirror(root.find("devices", "disk") ?? root, undefined)));
  const qemu = bench.host.last.transport;
  const image = (number: number, backing?: unknown) => ({
    "node-name": `libvirt-${number}-format`,
    stats: {},
    backing,
  });
  const answers: Record<string, unknown> = {
    "query-blockstats": [{ qdev: "virtio-vda", ...image(1, image(2, image(3))) }],
  };
  qemu.onCommand = ({ execute, id }) => {
    if (execute === "block-commit") qemu.event("BLOCK_JOB_READY", { device: "active-commit-vda", len: 1, offset: 1 });
    qemu.reply(answers[execute] ?? [], id);
  };
  const place = { jobs, domain, run, disk: own, timeoutMs: 30_000, speed: 0 };
  await bench.done(beginCommit(place, null, null, { active: true, shallow: false }));
  assert.match(shown(domain), /<mirror type='file' job='active-commit' ready='yes'>/);
});

test("a copy that is ready and is told to end has been canceled, though QEMU calls it complete", async () => {
  const { domain, told, say } = await setUp();
  await say("BLOCK_JOB_COMPLETED", { device: "active-commit-vda", len: 1, offset: 1 });
  assert.equal(shown(domain), "/top /mid /base ");
  assert.deepEqual(told, ["/top 4 2"]);
});

test("a job that fails leaves the images as they were", async () => {
  const { jobs, domain, run, told, say } = await setUp();
  jobs.expect(run, "pull-vda", { kind: "pull", target: "vda", top: 0, base: undefined, obsolete: [], vain: [] });
  await say("BLOCK_JOB_COMPLETED", { device: "pull-vda", len: 2, offset: 1, error: "No space left on device" });
  assert.equal(shown(domain), "/top /mid /base ");
  assert.deepEqual(told, ["/top 1 1"]);
});

test("what was pulled is not stood on any more, and its nodes go", async () => {
  const { bench, jobs, domain, run, told, say } = await setUp();
  jobs.expect(run, "pull-vda", {
    kind: "pull",
    target: "vda",
    top: 0,
    base: 2,
    obsolete: ["libvirt-2-format"],
    vain: [],
  });
  await say("BLOCK_JOB_COMPLETED", { device: "pull-vda", len: 1, offset: 1 });
  assert.equal(shown(domain), "/top /base ");
  assert.deepEqual(told, ["/top 1 0"]);
  const dropped = bench.host.last.transport.commands.filter(({ execute }) => execute === "blockdev-del");
  assert.deepEqual(
    dropped.map((command) => command.arguments["node-name"]),
    ["libvirt-2-format", "libvirt-2-storage"],
  );
});

test("a job of somebody else's is not ours", async () => {
  const { told, domain, say } = await setUp();
  await say("BLOCK_JOB_COMPLETED", { device: "backup0", len: 1, offset: 1 });
  assert.deepEqual(told, []);
  assert.match(shown(domain), /mirror/);
});
