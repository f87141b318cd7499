import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { configOf, definitionOf } from "../../../../src/driver/xen/configuration/index.ts";
import { completeDefinition } from "../../../../src/driver/xen/definition/complete.ts";
import { readConfig, writeConfig } from "../../../../src/driver/xen/native/index.ts";
import type { DomainConfig } from "../../../../src/libxl/index.ts";
import { Definition } from "../../../../src/model/index.ts";
import { configured, given, goldenNames } from "../golden-guests.ts";

/**
 * What a file can not say: libxl works out the shadow memory itself, and who names no backend for a disk has QEMU's, as in
 * libvirt's reading.
 */
function said(config: DomainConfig): DomainConfig {
  const { shadow_memkb: _, ...build } = config.b_info ?? {};
  const disks = config.disks?.map((disk) => (disk.pdev_path === undefined ? disk : { backend: "qdisk", ...disk }));
  return { ...config, b_info: build, ...(disks && { disks }) };
}

/** A file has one screen for an HVM guest. */
const beyondFiles = new Set(["hvm-two-graphics"]);
/** xm's, in which disks have no driver domains and nothing but an image. */
const beyondOldFiles = new Set([...beyondFiles, "pv-backend-domain", "pv-discard", "hvm-empty-drive"]);

suite("a guest written as a file of xl's", () => {
  for (const name of goldenNames.filter((each) => configured(each) !== undefined)) {
    const config = configOf(Definition.parse(given(name), completeDefinition));
    const isPvh = config.c_info?.type === "pvh";

    test(`'${name}' is read back as it was`, { skip: beyondFiles.has(name) }, () => {
      assert.deepEqual(said(readConfig(writeConfig(config, "xl"), "xl")), said(config));
      assert.deepEqual(said(configOf(definitionOf(readConfig(writeConfig(config, "xl"), "xl")))), said(config));
    });

    test(`'${name}' is read back as it was from xm's words`, { skip: isPvh || beyondOldFiles.has(name) }, () => {
      assert.deepEqual(said(readConfig(writeConfig(config, "xm"), "xm")), said(config));
    });
  }
});
