import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { suite, test } from "node:test";
import { cutToWidth } from "../../../src/cli/verbs/display-width.ts";
import { nearest } from "../../../src/cli/verbs/nearest.ts";
import { runVerb, runVerbOn } from "../../../src/cli/verbs/run-verb.ts";
import { bytesText, tableText } from "../../../src/cli/verbs/table.ts";
import { allVerbs, findVerb } from "../../../src/cli/verbs/verb-groups.ts";
import { domain, open } from "../../../src/open/index.ts";
import { main, ServedSimulator } from "../served-simulator.ts";

/** With a simulator of its own. */
async function run(name: string, ...args: string[]): Promise<{ status: number; out: string; error: string }> {
  const said = { out: "", error: "" };
  const output = {
    out: (text: string) => {
      said.out += text;
    },
    error: (text: string) => {
      said.error += text;
    },
  };
  const status = await runVerb(name, ["--connect", "test:///default", ...args], { embed: true }, output);
  return { status, ...said };
}

suite("a verb of the command", () => {
  test("shows a listing as a table, and with --json as objects", async () => {
    assert.equal((await run("list")).out, " Id   Name   State\n----------------------\n 1    test   running\n\n");
    const { out } = await run("list", "--all", "--json");
    const uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";
    assert.deepEqual(JSON.parse(out), [{ id: 1, name: "test", uuid, state: "running" }]);
    const [pool] = JSON.parse((await run("pool-list", "--json")).out) as { capacity: string }[];
    assert.equal(pool?.capacity, "107374182400");
  });

  test("sets an element of its own namespace in a domain's metadata, as virsh does", async () => {
    const here = ["test", "urn:a", "--config"];
    const set = await run("metadata", ...here, "--key", "a", "--set", "<access><tag>web</tag></access>");
    assert.deepEqual([set.status, set.out, set.error], [0, "Metadata modified\n\n", ""]);
    assert.equal((await run("metadata", ...here, "--remove")).out, "Metadata removed\n\n");
    assert.match((await run("metadata", ...here)).error, /Requested metadata element is not present/);
    assert.match((await run("metadata", ...here, "--set", "<x/>")).error, /namespace key is required/);
  });

  test("says what has failed on standard error, and is 1", async () => {
    const { status, error } = await run("resume", "test");
    assert.equal(status, 1);
    assert.match(error, /^error: Failed to resume domain 'test'\nerror: internal error: domain 'test' not paused\n$/);
  });

  test("may not change anything when it only reads", async () => {
    const { status, error } = await run("destroy", "test", "--readonly");
    assert.deepEqual([status, /read only access/.test(error)], [1, true], error);
  });

  test("that is none is guessed", async () => {
    await assert.rejects(run("lst"), { message: "unknown command: 'lst'; did you mean 'list'?" });
    await assert.rejects(run("fly"), { message: "unknown command: 'fly'" });
    assert.equal(nearest("dominof", Object.keys(await allVerbs())), "dominfo");
  });

  test("is found by its name in the one group that may have it", async () => {
    for (const [name, verb] of Object.entries(await allVerbs())) assert.equal(await findVerb(name), verb, name);
  });

  test("about what a domain may use shows its values as an object with --json, numbers of 64 bit as text", async () => {
    const { status, out } = await run("memtune", "test", "--json");
    assert.deepEqual([status, (JSON.parse(out) as { hard_limit: string }).hard_limit], [0, "9007199254740991"]);
    const map = JSON.parse((await run("nodecpumap", "--json")).out) as { present: number };
    assert.ok(map.present > 0);
  });

  test("finds a domain whose name is of more digits than an id may have", async () => {
    await using simulator = new ServedSimulator();
    await using connection = await open(simulator.uri);
    await connection.domainDefineXml(domain({ name: "20261129120000", type: "test", memory: "1GiB" }));
    const started = await simulator.run("start", "20261129120000");
    assert.deepEqual([started.status, started.out], [0, "Domain '20261129120000' started\n\n"], started.error);
    const missing = await simulator.run("domstate", "99999999999");
    assert.deepEqual([missing.status, missing.error], [1, "error: failed to get domain '99999999999'\n"]);
  });

  test("refuses what is too big in virsh's words", async () => {
    const numeric = (text: string, option: string) =>
      `error: Numeric value '${text}' for <${option}> option is malformed or out of range\n`;
    const big = "99999999999999999999999";
    for (const [line, error] of [
      ["setvcpus test 4294967296", numeric("4294967296", "count")],
      ["vcpupin test 99999999999 0", numeric("99999999999", "vcpu")],
      ["send-key test 30 --holdtime 99999999999", numeric("99999999999", "holdtime")],
      ["event --all --timeout 2147484", numeric("2147484", "timeout")],
      ["event --all --timeout 0", numeric("0", "timeout")],
      [`migrate-setmaxdowntime test ${big}`, numeric(big, "downtime")],
      [`vol-download v /nonexistent/v --pool default-pool --offset ${big}`, numeric(big, "offset")],
      [`setmem test ${big}`, `error: Scaled n${numeric(big, "size").slice(8)}`],
      [
        "setmem test 18014398509481984",
        `error: Scaled n${numeric("18014398509481984", "size").slice(8)}error: numerical overflow: value too large: 18014398509481984\n`,
      ],
      [
        "setmem test 1x",
        `error: Scaled n${numeric("1x", "size").slice(8)}error: invalid argument: unknown suffix 'x'\n`,
      ],
    ] as const) {
      const [name = "", ...args] = line.split(" ");
      assert.deepEqual(await run(name, ...args), { status: 1, out: "\n", error }, line);
    }
  });

  test("is reached by the command, its URI before or behind it", () => {
    const at = (...args: string[]) =>
      spawnSync(process.execPath, [main, ...args], { encoding: "utf8", timeout: 60_000 });
    const { status, stderr } = at("-c", "test+unix:///default?socket=/nonexistent", "start", "web");
    assert.deepEqual([status, /Failed to connect.*\/nonexistent/.test(stderr)], [1, true], stderr);
    const other = at("list", "-c", "nonsense");
    assert.match(other.stderr, /write it as in qemu:\/\/\/system/);
  });
});

suite("a verb that cannot be done", () => {
  test("says first that no hypervisor was reached, where that is so", async () => {
    const said = { out: "", error: "" };
    const output = {
      out: (text: string) => void (said.out += text),
      error: (text: string) => void (said.error += text),
    };
    const status = await runVerb("list", ["--connect", "test+unix:///default?socket=/nonexistent"], {}, output);
    assert.deepEqual([status, said.out], [1, "\n"]);
    assert.match(said.error, /^error: failed to connect to the hypervisor\nerror: Failed to connect.*\/nonexistent\n$/);
  });

  test("is told of times that no timer waits", async () => {
    for (const [name, option] of [
      ["event", "timeout"],
      ["net-event", "timeout"],
      ["top", "interval"],
    ] as const) {
      for (const value of ["0", "2147484", "99999999999999"]) {
        const wanted = name === "top" ? [] : ["--event", "lifecycle"];
        const { status, error } = await run(name, ...wanted, `--${option}`, value);
        const words = `error: Numeric value '${value}' for <${option}> option is malformed or out of range\n`;
        assert.deepEqual([status, error], [1, words]);
      }
    }
  });
});

test("ids alone are of the domains that run", async () => {
  await using connection = await open("test:///default", { embed: true });
  const list = async (...args: string[]): Promise<string> => {
    let out = "";
    await runVerbOn(connection, "list", ["--all", ...args], { out: (text) => void (out += text), error: assert.fail });
    return out;
  };
  assert.equal(await list("--id"), "1\n\n");
  await (await connection.domain("test")).destroy();
  assert.deepEqual([await list("--id"), await list("--id", "--name")], ["\n", "- test\n\n"]);
});

suite("tables", () => {
  test("stay straight under wide characters, pictures and marks", () => {
    const names = ["日本語", "🚀", "e\u0301te\u0301", "🇩🇪", "한글", "ｗｉｄｅ", "plain"];
    const rows = names.map((name) => [name, "x"]);
    const lines = tableText({ columns: ["Name", "State"], rows, objects: [] })
      .split("\n")
      .slice(2, -1);
    const widths = [6, 2, 3, 2, 4, 8, 5];
    assert.deepEqual(
      lines,
      names.map((name, at) => ` ${name}${" ".repeat(8 - (widths[at] ?? 0))}   x`),
    );
    assert.deepEqual(
      [cutToWidth("日本語x", 5), cutToWidth("e\u0301x", 1), cutToWidth("ab", 5)],
      ["日本", "e\u0301", "ab"],
    );
  });

  test("have columns as wide as their widest cell", () => {
    const text = tableText({
      columns: ["Name", "State"],
      rows: [
        ["ähnlich", "x"],
        ["b", ""],
      ],
      objects: [],
    });
    assert.equal(text, " Name      State\n------------------\n ähnlich   x\n b         \n");
  });

  test("write bytes in the unit that fits", () => {
    assert.deepEqual(
      [0n, 1023n, 1024n, 1n << 40n].map((bytes) => bytesText(bytes)),
      ["0.00 B", "1023.00 B", "1.00 KiB", "1.00 TiB"],
    );
  });
});
