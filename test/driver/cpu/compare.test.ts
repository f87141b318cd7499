import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAnyCpu } from "../../../src/driver/cpu/any-cpu.ts";
import { compareX86 } from "../../../src/driver/cpu/x86-compare.ts";
import { decodeX86 } from "../../../src/driver/cpu/x86-decode.ts";
import { x86FeatureName } from "../../../src/driver/cpu/x86-feature-names.ts";
import { x86Models } from "../../../src/driver/cpu/x86-models.ts";
import { parseXml } from "../../../src/xml/index.ts";

const haswell = { vendor: "Intel", features: new Set([...(x86Models.get("Haswell")?.features ?? []), "ss"]) };

function compared(xml: string): string {
  const comparison = compareX86(
    parseAnyCpu(() => parseXml(xml)),
    haswell,
  );
  return comparison.result === "incompatible" ? comparison.why : comparison.result;
}

test("a host is beside a CPU what libvirtd 9.0 says it is", () => {
  const cpu = (inner: string, attributes = ""): string => compared(`<cpu ${attributes}>${inner}</cpu>`);
  assert.equal(cpu("<arch>x86_64</arch><model>Nehalem</model><vendor>Intel</vendor>"), "superset");
  assert.equal(cpu("<model>Haswell</model><feature name='ss'/>"), "identical");
  assert.equal(
    cpu("<model>EPYC</model><vendor>AMD</vendor>"),
    "host CPU vendor does not match required CPU vendor AMD",
  );
  assert.equal(
    cpu("<model>Broadwell</model>", "mode='custom' match='exact'"),
    "Host CPU does not provide required features: rdseed, adx, smap, 3dnowprefetch",
  );
  assert.equal(
    cpu("<model>Haswell</model>", "match='strict'"),
    "Host CPU does not strictly match guest CPU: Extra features: ss",
  );
});

test("features that a guest can do without, or brings along, are not looked for; forbidden ones are", () => {
  const withFeature = (policy: string, name: string): string =>
    compared(`<cpu match='exact'><model>Nehalem</model><feature policy='${policy}' name='${name}'/></cpu>`);
  assert.equal(withFeature("optional", "avx512f"), "superset");
  assert.equal(withFeature("force", "avx512f"), "superset");
  assert.equal(withFeature("disable", "sse"), "superset");
  assert.equal(withFeature("require", "avx512f"), "Host CPU does not provide required features: avx512f");
  assert.equal(withFeature("forbid", "aes"), "Host CPU provides forbidden features: aes");
});

test("what nobody knows is refused", () => {
  for (const [inner, message] of [
    ["<model>NoSuch</model>", "internal error: Unknown CPU model NoSuch"],
    ["<model>Haswell</model><feature name='zz'/>", "internal error: Unknown CPU feature zz"],
    ["", "XML error: Missing CPU model name"],
    ["<model>Haswell</model><feature name='aes' policy='maybe'/>", "XML error: Invalid CPU feature policy"],
  ] as const) {
    assert.throws(() => compared(`<cpu>${inner}</cpu>`), { message });
  }
});

test("a host is described by a model of which it has everything, a guest by the nearest", () => {
  const features = new Set(x86Models.get("Haswell")?.features);
  features.delete("bmi2");
  const model = (mayLack: boolean): string | undefined => decodeX86(features, { vendor: "Intel", mayLack })?.model.name;
  assert.equal(model(true), "Haswell");
  assert.ok(!x86Models.get(model(false) ?? "")?.features.has("bmi2"));
});

test("names of QEMU's and of the kernel's are found again", () => {
  const found = ["pclmulqdq", "sse4_1", "sse4-2", "tsc_deadline_timer", "lahf-lm", "sha_ni", "aes", "nosuch"];
  assert.deepEqual(found.map(x86FeatureName), [
    "pclmuldq",
    "sse4.1",
    "sse4.2",
    "tsc-deadline",
    "lahf_lm",
    "sha-ni",
    "aes",
    undefined,
  ]);
});
