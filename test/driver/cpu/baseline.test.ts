import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { familyOf, isArchitecture } from "../../../src/driver/cpu/architecture.ts";
import { baselineCpu as baselineWithPauses } from "../../../src/driver/cpu/baseline.ts";
import { x86Features, x86Models } from "../../../src/driver/cpu/x86-models.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";

const baselineCpu = (sources: readonly string[], expanded: boolean): Promise<string> =>
  baselineWithPauses(sources, expanded, () => Promise.resolve());

function cpu(model: string, rest = "", architecture = "x86_64"): string {
  return `<cpu><arch>${architecture}</arch><model>${model}</model>${rest}</cpu>`;
}

describe("the best CPU that several hosts have", () => {
  it("is the model that they have in common, and nothing else will do", async () => {
    const best = "<cpu mode='custom' match='exact'>\n  <model fallback='forbid'>Nehalem</model>\n</cpu>\n";
    assert.equal(await baselineCpu([cpu("Nehalem"), cpu("Nehalem", "<feature name='aes'/>")], false), best);
  });

  it("is the lesser of two models of a line", async () => {
    assert.match(
      await baselineCpu([cpu("Haswell"), cpu("Nehalem")], false),
      /<model fallback='allow'>Nehalem<\/model>\n<\/cpu>/,
    );
  });

  it("is an older one with what both have beside it", async () => {
    const features = (await baselineCpu([cpu("Nehalem"), cpu("Opteron_G3")], false)).match(
      /policy='\w+' name='[^']*'/g,
    );
    assert.match(await baselineCpu([cpu("Nehalem"), cpu("Opteron_G3")], false), /fallback='allow'>kvm64</);
    assert.deepEqual(features, ["policy='require' name='popcnt'", "policy='require' name='lahf_lm'"]);
  });

  it("says what a model has lost", async () => {
    assert.match(await baselineCpu([cpu("Opteron_G3")], false), /policy='disable' name='monitor'/);
    assert.doesNotMatch(await baselineCpu([cpu("Opteron_G3", "<feature name='monitor'/>")], false), /disable/);
  });

  it("names all features, in their order, when it is asked to", async () => {
    const names = [...(await baselineCpu([cpu("qemu64")], true)).matchAll(/name='([^']*)'/g)].map(
      ([, name]) => name ?? "",
    );
    assert.deepEqual(names, [...(x86Models.get("qemu64")?.features ?? [])].sort());
  });

  it("keeps a vendor that all of them name, and refuses two", async () => {
    const intel = cpu("Nehalem", "<vendor>Intel</vendor>");
    assert.match(await baselineCpu([intel, intel], false), /<vendor>Intel<\/vendor>/);
    assert.doesNotMatch(await baselineCpu([intel, cpu("Nehalem")], false), /vendor/);
    const refused = { code: ErrorCode.operationFailed };
    await assert.rejects(baselineCpu([intel, cpu("qemu64", "<vendor>AMD</vendor>")], false), refused);
    await assert.rejects(baselineCpu([cpu("qemu64"), cpu("Nehalem", "<vendor>AMD</vendor>")], false), refused);
  });

  it("is refused for what is no CPU of a host", async () => {
    const cases: [string, number][] = [
      ["<domain/>", ErrorCode.xmlError],
      ["<cpu>", ErrorCode.xmlDetail],
      ["<cpu/>", ErrorCode.xmlError],
      ["<cpu mode='host-model'/>", ErrorCode.configUnsupported],
      [cpu("qemu64", "", "nonsense"), ErrorCode.configUnsupported],
      [cpu("nonsense"), ErrorCode.internalError],
      [cpu("qemu64", "<feature name='nonsense'/>"), ErrorCode.internalError],
      [cpu("qemu64", "<feature name='aes'/><feature name='aes'/>"), ErrorCode.xmlError],
      [cpu("z13", "", "s390x"), ErrorCode.noSupport],
      [cpu("x", "", "riscv64"), ErrorCode.noSupport],
    ];
    for (const [xml, code] of cases) await assert.rejects(baselineCpu([xml], false), { code }, xml);
    const powers = [cpu("POWER8", "", "ppc64"), cpu("POWER9", "", "ppc64")];
    await assert.rejects(baselineCpu(powers, false), { code: ErrorCode.operationFailed });
  });
});

describe("the models of x86", () => {
  it("are made of features that have a name", () => {
    const known = new Set(x86Features);
    for (const { name, features, lost } of x86Models.values()) {
      assert.deepEqual(
        [...features, ...lost].filter((feature) => !known.has(feature)),
        [],
        name,
      );
    }
  });

  it("are 58, and those of other families are their own", () => {
    assert.equal(familyOf("i686").models?.length, 58);
    assert.equal(familyOf("ppc64le").models?.length, 7);
    assert.equal(familyOf("s390x").models, undefined);
    assert.deepEqual(["x86_64", "mips", "nonsense"].map(isArchitecture), [true, true, false]);
  });
});
