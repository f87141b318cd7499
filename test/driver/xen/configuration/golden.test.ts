import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { configOf, definitionOf } from "../../../../src/driver/xen/configuration/index.ts";
import { completeDefinition } from "../../../../src/driver/xen/definition/complete.ts";
import { type DomainConfig, decodeConfig, encodeConfig } from "../../../../src/libxl/index.ts";
import { Definition } from "../../../../src/model/index.ts";
import { VirError } from "../../../../src/protocol/index.ts";
import { configured, given, goldenNames } from "../golden-guests.ts";

/** What libvirt's driver does not tell libxl, and we do. */
const beyondLibvirt = new Set(["viridian", "tls_port"]);

/** What a definition says and libvirt's driver does not heed. */
const heeded: Readonly<Record<string, DomainConfig["b_info"]>> = {
  "pv-affinity": {
    vcpu_hard_affinity: [
      [0, 1, 2],
      [0, 1, 2],
    ],
    numa_placement: false,
  },
};

/** Those that libvirt could not start where the facts were taken, for reasons of that machine or of its own. */
const ours: ReadonlySet<string> = new Set(["hvm-serial-two", "pv-network", "hvm-usb-device"]);

suite("a guest's configuration for libxl", () => {
  test("is kept for at least 40 guests", () => {
    assert.ok(goldenNames.filter((name) => configured(name) !== undefined).length >= 40);
  });

  for (const name of goldenNames) {
    const json = configured(name);
    const definition = Definition.parse(given(name), completeDefinition);
    if (json === undefined) {
      test(`'${name}' is refused, as libvirt refuses it`, { skip: ours.has(name) }, () => {
        assert.throws(() => configOf(definition), VirError);
      });
      continue;
    }

    test(`of '${name}' is what libvirt gives libxl`, () => {
      const theirs = decodeConfig(json);
      const expected = { ...theirs, b_info: { ...theirs.b_info, ...heeded[name] } };
      assert.deepEqual(plain(configOf(withPort(definition))), plain(expected));
    });

    test(`of '${name}' comes back from what libxl has of it`, () => {
      const config = configOf(definition);
      const back = definitionOf(decodeConfig(encodeConfig(config)));
      assert.deepEqual(configOf(back), config);
    });
  }
});

/** libvirt has looked for free ports itself, and taken the first. */
function withPort(definition: Definition): Definition {
  return definition.with((root) => {
    for (const graphics of root.first("devices")?.all("graphics") ?? []) {
      if (graphics.attribute("autoport") !== "yes") continue;
      graphics.setAttribute("port", "5900");
      if (graphics.attribute("type") === "spice") graphics.first("listen")?.setAttribute("address", "127.0.0.1");
    }
  });
}

/** Without what is empty, and what libxl reads as if it were not there. */
function plain(config: DomainConfig): unknown {
  return strip(config);
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !beyondLibvirt.has(key))
      .map(([key, each]) => [key, strip(each)] as const)
      .filter(([, each]) => typeof each !== "object" || each === null || Object.keys(each).length > 0),
  );
}
