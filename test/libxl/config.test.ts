import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ConfigError, type DomainConfig, decodeConfig, encodeConfig } from "../../src/libxl/index.ts";

const config: DomainConfig = {
  c_info: { type: "pv", name: "guest", run_hotplug_scripts: true, xsdata: { a: "b" } },
  b_info: { "type.pv": { e820_host: false }, max_vcpus: 2, avail_vcpus: [0, 1], extra: ["-nographic"] },
  disks: [{ vdev: "xvda", pdev_path: "/dev/null", readwrite: 1 }],
  on_reboot: "restart",
};

suite("a domain's configuration", () => {
  test("comes back from libxl's JSON as it was", () => assert.deepEqual(decodeConfig(encodeConfig(config)), config));

  test("says yes and no in libxl's way", () => {
    const json = JSON.parse(encodeConfig(config)) as { c_info: { run_hotplug_scripts: unknown } };
    assert.equal(json.c_info.run_hotplug_scripts, "True");
  });

  test("leaves out what is undefined", () => {
    const unset = { name: undefined } as unknown as { name: string };
    assert.equal(encodeConfig({ c_info: unset }), '{"c_info":{}}');
  });

  const wrong: readonly [string, unknown][] = [
    ["c_info.nmae", { c_info: { nmae: "a" } }],
    ["b_info.type.pv.kernl", { b_info: { "type.pv": { kernl: "a" } } }],
    ["disks[1].vdve", { disks: [{}, { vdve: "a" }] }],
    ["c_info.toString", { c_info: { toString: {} } }],
    ["c_info.name", { c_info: { name: 1 } }],
    ["c_info.name", { c_info: { name: "a\0b" } }],
    ["c_info.run_hotplug_scripts", { c_info: { run_hotplug_scripts: "True" } }],
    ["b_info.max_memkb", { b_info: { max_memkb: 1.5 } }],
    ["b_info.max_memkb", { b_info: { max_memkb: 2 ** 60 } }],
    ["b_info.avail_vcpus", { b_info: { avail_vcpus: [0.5] } }],
    ["disks", { disks: {} }],
    ["disks[0]", { disks: [null] }],
    ["c_info.xsdata", { c_info: { xsdata: { a: 1 } } }],
  ];
  for (const [path, value] of wrong) {
    test(`is refused for ${path} in ${JSON.stringify(value)}`, () => {
      assert.throws(
        () => encodeConfig(value as DomainConfig),
        (error) => error instanceof ConfigError && error.path === path,
      );
    });
  }
});
