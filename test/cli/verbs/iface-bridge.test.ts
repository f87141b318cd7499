import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { runVerbOn } from "../../../src/cli/verbs/run-verb.ts";
import { type Connection, ErrorCode, ErrorDomain, type Interface, VirError } from "../../../src/open/index.ts";
import { parseXml } from "../../../src/xml/index.ts";

/** What the two verbs need of a host: its configured interfaces, by name. */
function hostWith(...definitions: readonly string[]) {
  const configured = new Map<string, string>();
  const calls: string[] = [];
  const define = (xml: string): Interface => {
    const name = parseXml(xml).root.attribute("name") ?? "";
    configured.set(name, xml);
    return handle(name);
  };
  const handle = (name: string): Interface => {
    const done = (what: string) => async () => void calls.push(`${what} ${name}`);
    const fake = {
      name,
      getXmlDesc: async () => configured.get(name) ?? "",
      create: done("create"),
      destroy: done("destroy"),
      undefine: async () => void (calls.push(`undefine ${name}`), configured.delete(name)),
    };
    return fake as unknown as Interface;
  };
  const connection = {
    interfaceLookupByName: async (name: string) => {
      if (configured.has(name)) return handle(name);
      throw VirError.of(ErrorCode.noInterface, ErrorDomain.interface, name);
    },
    interfaceDefineXml: async (xml: string) => define(xml),
  } as unknown as Connection;
  for (const xml of definitions) define(xml);
  const run = async (...line: readonly string[]) => {
    const said = { out: "", error: "" };
    const output = {
      out: (text: string) => void (said.out += text),
      error: (text: string) => void (said.error += text),
    };
    const [name = "", ...args] = line;
    return { status: await runVerbOn(connection, name, args, output), ...said };
  };
  return { run, configured, calls };
}

const vlan =
  "<interface type='vlan' name='eth7'><start mode='none'/><protocol family='ipv4'><ip address='192.0.2.4' prefix='24'/></protocol><mac address='52:54:00:00:00:07'/><vlan tag='5'><interface name='eth9'/></vlan></interface>";

suite("a bridge of the host's", () => {
  test("takes a device in with what is the device's own, and keeps its addresses", async () => {
    const { run, configured, calls } = hostWith(vlan);
    const { status, out, error } = await run("iface-bridge", "eth7", "br7", "--delay", "5");
    assert.deepEqual([status, error], [0, ""]);
    assert.equal(out, "Created bridge br7 with attached device eth7\nBridge interface br7 started\n\n");
    const { root } = parseXml(configured.get("br7") ?? "");
    assert.deepEqual(
      root.elements().map(({ name }) => name),
      ["start", "protocol", "bridge"],
    );
    const bridge = root.first("bridge");
    assert.deepEqual([bridge?.attribute("stp"), bridge?.attribute("delay")], ["on", "5"]);
    const device = bridge?.first("interface");
    assert.deepEqual([device?.attribute("type"), device?.attribute("name")], ["vlan", "eth7"]);
    assert.deepEqual(
      device?.elements().map(({ name }) => name),
      ["mac", "vlan"],
    );
    assert.deepEqual(calls, ["create br7"]);
  });

  test("gives its device back as it was", async () => {
    const { run, configured, calls } = hostWith(vlan);
    await run("iface-bridge", "eth7", "br7", "--no-start", "--no-stp");
    configured.delete("eth7");
    const { status, out } = await run("iface-unbridge", "br7");
    assert.deepEqual([status, out], [0, "Device eth7 un-attached from bridge br7\nInterface eth7 started\n\n"]);
    const [before, after] = [vlan, configured.get("eth7") ?? ""].map((xml) => parseXml(xml).root.elements());
    assert.deepEqual(
      after?.map((each) => [each.name, each.attributes]),
      before?.map((each) => [each.name, each.attributes]),
    );
    assert.deepEqual(calls, ["destroy br7", "undefine br7", "create eth7"]);
  });

  test("is refused for what is one already, has other devices, or is none", async () => {
    const two =
      "<interface type='bridge' name='br2'><bridge><interface type='ethernet' name='a'/><interface type='ethernet' name='b'/></bridge></interface>";
    const { run, calls } = hostWith(vlan, two, "<interface type='bridge' name='br3'><bridge/></interface>");
    const errors = {
      "iface-bridge eth7 br2": "Network device br2 already exists",
      "iface-bridge br2 br9": "Existing device br2 is already a bridge",
      "iface-unbridge br2": "Multiple interfaces attached to bridge",
      "iface-unbridge br3": "No interface attached to bridge",
      "iface-unbridge eth7": "Device eth7 is not a bridge",
    };
    for (const [line, error] of Object.entries(errors))
      assert.deepEqual(await run(...line.split(" ")), { status: 1, out: "\n", error: `error: ${error}\n` });
    assert.deepEqual(calls, []);
  });
});
