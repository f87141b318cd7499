import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { daemonFamilies } from "../../../src/cli/metrics/daemon-metrics.ts";
import { domainFamilies } from "../../../src/cli/metrics/domain-metrics.ts";
import { exposition } from "../../../src/cli/metrics/exposition.ts";
import { MetricsServer, parsePlace } from "../../../src/cli/metrics/metrics-server.ts";
import { ServiceMetrics } from "../../../src/cli/metrics/service-metrics.ts";
import { trialPlaces } from "../../../src/cli/places.ts";
import { Service } from "../../../src/cli/service.ts";
import type { HypervisorLoad } from "../../../src/driver/driver.ts";
import { JobWaits } from "../../../src/model/index.ts";
import { remote, type TypedParam } from "../../../src/protocol/index.ts";
import { Connection, clientOf, pairInMemory } from "../../../src/rpc/index.ts";

const directory = mkdtempSync(join(tmpdir(), "virtwright-metrics-"));
const uint = (field: string, value: number): TypedParam => ({ field, value: { type: "uint", value } });
const ullong = (field: string, value: bigint): TypedParam => ({ field, value: { type: "ullong", value } });
const string = (field: string, value: string): TypedParam => ({ field, value: { type: "string", value } });

suite("metrics", () => {
  after(() => rmSync(directory, { recursive: true }));

  test("are written in Prometheus's form, whatever a guest is called", () => {
    const text = exposition([
      { name: "a", type: "gauge", help: "A.", samples: [{ labels: { domain: 'we"b\\\n} 1' }, value: 2 }] },
      { name: "b", type: "counter", help: "B.", samples: [] },
    ]);
    assert.equal(text, '# HELP a A.\n# TYPE a gauge\na{domain="we\\"b\\\\\\n} 1"} 2\n');
  });

  test("have the exporters' names and units for what libvirt tells of a domain", () => {
    const params = [
      { field: "state.state", value: { type: "int", value: 1 } } as const,
      ullong("cpu.time", 2_500_000_000n),
      ullong("balloon.current", 1_024n),
      uint("net.count", 1),
      string("net.0.name", "vnet0"),
      ullong("net.0.rx.pkts", 7n),
      uint("block.count", 1),
      string("block.0.name", "vda"),
      string("block.0.path", "/d.img"),
      ullong("block.0.rd.bytes", 5n),
    ];
    const text = exposition(domainFamilies([{ name: "web", uuid: "u", hypervisor: "h", params }]));
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const who = 'domain="web",uuid="u",hypervisor="h"';
    assert.deepEqual(lines, [
      `libvirt_domain_info_vstate{${who}} 1`,
      `libvirt_domain_info_cpu_time_seconds_total{${who}} 2.5`,
      `libvirt_domain_info_memory_usage_bytes{${who}} 1048576`,
      `libvirt_domain_block_stats_read_bytes_total{${who},source_file="/d.img",target_device="vda"} 5`,
      `libvirt_domain_interface_stats_receive_packets_total{${who},target_device="vnet0"} 7`,
    ]);
  });

  for (const [text, place] of [
    ["/run/x.sock", { path: "/run/x.sock" }],
    ["127.0.0.1:9177", { host: "127.0.0.1", port: 9_177 }],
    ["[::1]:1", { host: "::1", port: 1 }],
    ["0.0.0.0:9177", undefined],
    ["192.0.2.1:9177", undefined],
    ["127.0.0.1:70000", undefined],
    ["127.0.0.1.example.org:80", undefined],
    ["", undefined],
  ] as const)
    test(`${place === undefined ? "are not" : "may be"} served at "${text}"`, () =>
      assert.deepEqual(parsePlace(text), place));

  function get(
    server: MetricsServer,
    path: string,
    options: { host?: string; method?: string } = {},
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const { host = `127.0.0.1:${server.port}`, method = "GET" } = options;
      const asked = request(
        { host: "127.0.0.1", port: server.port, path, method, headers: { host }, agent: false },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (part: string) => (text += part));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      asked.on("error", reject).end();
    });
  }

  test("are asked for once however many want them, and told to this machine alone", async () => {
    let asked = 0;
    await using server = await MetricsServer.open({ host: "127.0.0.1", port: 0 }, async () => {
      asked++;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return "text\n";
    });
    const answers = await Promise.all([1, 2, 3].map(() => get(server, "/metrics")));
    assert.deepEqual(answers, Array(3).fill({ status: 200, text: "text\n" }));
    assert.equal(asked, 1);
    assert.equal((await get(server, "/")).status, 404);
    assert.equal((await get(server, "/metrics", { method: "POST" })).status, 405);
    assert.equal((await get(server, "/metrics", { host: "evil.example.org" })).status, 403);
  });

  test("say that something is wrong when it is, and nothing about it", async () => {
    await using server = await MetricsServer.open({ host: "127.0.0.1", port: 0 }, () =>
      Promise.reject(new Error("secret")),
    );
    assert.deepEqual(await get(server, "/metrics"), { status: 500, text: "" });
  });

  test("are not served at a socket that somebody serves", async () => {
    const path = join(directory, "metrics.sock");
    await using _server = await MetricsServer.open({ path }, async () => "");
    await assert.rejects(
      MetricsServer.open({ path }, async () => ""),
      { name: "StateError" },
    );
  });

  test("are not served in place of a file that is no socket", async () => {
    const path = join(directory, "fstab");
    writeFileSync(path, "all disks");
    await assert.rejects(
      MetricsServer.open({ path }, async () => ""),
      { name: "StateError", message: `${path} is not a socket: remove it, or choose another path` },
    );
    assert.equal(readFileSync(path, "utf8"), "all disks");
  });

  test("tell of those who wait, and of domains whose monitor does not answer", () => {
    const jobWaits = new JobWaits();
    for (const durationMs of [0, 2, 400]) jobWaits.begun.add(durationMs);
    jobWaits.givenUp.add(30_000);
    jobWaits.waiting = 2;
    const silent = [{ name: "web", uuid: "u", silenceMs: 1_500 }];
    const nothing = { calls: [], clients: new Map(), anonymousClients: 0, callsUnderWay: 0, memory: 0 };
    const text = exposition(
      daemonFamilies({
        ...nothing,
        queueLengths: [3, 4],
        loads: new Map<string, HypervisorLoad>([
          ["q", { jobWaits, silent }],
          ["x", { jobWaits: new JobWaits() }],
        ]),
        hypervisors: new Map(),
        loopDelay: { p50: 0, p99: 0, max: 0 },
      }),
    );
    for (const line of [
      'virtwright_calls_waiting{of="all"} 7',
      'virtwright_calls_waiting{of="one"} 4',
      'virtwright_job_wait_seconds_bucket{hypervisor="q",result="begun",le="0.005"} 2',
      'virtwright_job_wait_seconds_bucket{hypervisor="q",result="begun",le="+Inf"} 3',
      'virtwright_job_wait_seconds_sum{hypervisor="q",result="begun"} 0.402',
      'virtwright_job_wait_seconds_bucket{hypervisor="q",result="given_up",le="10"} 0',
      'virtwright_job_wait_seconds_count{hypervisor="q",result="given_up"} 1',
      'virtwright_jobs_waiting{hypervisor="q"} 2',
      'virtwright_unresponsive_domains{hypervisor="q"} 1',
      'virtwright_domain_silence_seconds{domain="web",uuid="u",hypervisor="q"} 1.5',
    ])
      assert.ok(text.includes(`${line}\n`), `${line} is not in:\n${text}`);
    assert.doesNotMatch(text, /unresponsive_domains\{hypervisor="x"/, "Xen's guests have no monitors");
  });

  test("tell of the whole service: domains, calls, clients, the journal", async () => {
    await using service = await Service.open({
      drivers: ["test"],
      uri: "qemu:///session",
      places: trialPlaces(directory),
      log: () => {},
    });
    using metrics = new ServiceMetrics(service);
    const [near, far] = pairInMemory(service.loop);
    service.daemon.accept(near, { door: "tls", certificate: "CN=a" });
    const connection = new Connection(service.loop, far);
    connection.open({ onClose: () => {} });
    const call = clientOf(connection, remote);
    await call.connectOpen({ name: "test:///default", flags: 0 });
    await assert.rejects(call.domainLookupByName({ name: "nobody" }));
    const text = await metrics.render();
    for (const line of [
      'libvirt_up{hypervisor="test:///default"} 1',
      'virtwright_calls_total{call="domainLookupByName",result="failed"} 1',
      'virtwright_calls_total{call="connectOpen",result="done"} 1',
      'virtwright_call_duration_seconds_count{call="connectOpen"} 1',
      'virtwright_clients{door="tls"} 1',
      "virtwright_anonymous_clients 0",
      'virtwright_calls_waiting{of="all"} 0',
      'virtwright_job_wait_seconds_count{hypervisor="test:///default",result="begun"} 0',
      'virtwright_jobs_waiting{hypervisor="test:///default"} 0',
      'virtwright_journal_position{hypervisor="test:///default"} 0',
    ])
      assert.ok(text.includes(`${line}\n`), `${line} is not in:\n${text}`);
    assert.match(
      text,
      /^libvirt_domain_info_vstate\{domain="test",uuid="[-\da-f]{36}",hypervisor="test:\/\/\/default"\} 1$/m,
    );
    connection.close();
  });
});
