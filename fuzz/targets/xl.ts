import assert from "node:assert/strict";
import { configOf, definitionOf } from "../../src/driver/xen/configuration/index.ts";
import { type Dialect, readConfig, writeConfig } from "../../src/driver/xen/native/index.ts";
import { type DomainConfig, encodeConfig } from "../../src/libxl/index.ts";
import { VirError } from "../../src/protocol/index.ts";
import type { Target } from "../target.ts";
import { texts } from "./bytes.ts";

/**
 * Any file of xl's becomes a guest, or is refused. What it becomes is a configuration that libxl takes, and written as a file
 * it is read as the same again, or there is no way to write it.
 */
export const xl: Target = {
  name: "xl",
  dictionary: texts(
    ..."= += [ ] , ; # ' \" \\ \\x00 \\n 0 1 -1 0x7fffffff 99999999999 name type builder memory maxmem vcpus maxvcpus cpus".split(
      " ",
    ),
    ..."disk vif vfb pci usbctrl usbdev channel serial boot cpuid vnuma kernel ramdisk cmdline bootloader on_crash".split(
      " ",
    ),
    ..."'hvm' 'pv' 'pvh' phy: file: tap:aio: ,xvda,w cdrom target= format= mac= bridge= rate=10MB/s host,sse3=0".split(
      " ",
    ),
    "vnuma = [ [ 'pnode=0', 'size=128', 'vcpus=0' ] ]",
    "\n",
    '"""',
  ),
  async check(input) {
    const source = new TextDecoder().decode(input.subarray(1));
    const dialect: Dialect = (input[0] ?? 0) % 2 === 0 ? "xl" : "xm";
    const config = attempt(() => configOf(definitionOf(readConfig(source, dialect))));
    if (config === undefined) return;
    encodeConfig(config);
    const text = attempt(() => writeConfig(config, "xl"));
    if (text !== undefined) assert.deepEqual(said(readConfig(text, "xl")), said(config));
  },
};

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof VirError) return undefined;
    throw error;
  }
}

/** What a file can not say is left out: what libxl works out itself, MiB that are not whole, another screen of an HVM guest. */
function said(config: DomainConfig): unknown {
  const { shadow_memkb: _shadow, target_memkb: target = 0, max_memkb: most = 0, ...build } = config.b_info ?? {};
  const memory = [target, most].map((kib) => Math.floor(kib / 1024));
  const disks = config.disks?.map((disk) => (disk.pdev_path === undefined ? disk : { backend: "qdisk", ...disk }));
  return { ...config, b_info: build, memory, ...(disks && { disks }) };
}
