import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { completionFor } from "../../../../src/driver/qemu/definition/complete.ts";
import { dumpDefinition } from "../../../../src/driver/qemu/definition/dump.ts";
import { showSecurityLabels } from "../../../../src/driver/qemu/definition/security-labels.ts";
import { migratable } from "../../../../src/driver/qemu/migratable.ts";
import { changed } from "../../../../src/driver/qemu/modification.ts";
import { Definition } from "../../../../src/model/index.ts";
import { VirError } from "../../../../src/protocol/index.ts";

const complete = completionFor({ version: 7_002_000n, nvramDirectory: "/nvram" });
const policy = {
  user: { uid: 64055, gid: 64056, hasAccount: true },
  isPrivileged: true,
  givesFiles: true,
};

function parse(labels: string): Definition {
  const head = "<domain type='qemu'><name>x</name><memory>65536</memory><os><type>hvm</type></os>";
  return Definition.parse(`${head}${labels}</domain>`, complete);
}

function labelsIn(text: string): string {
  return (text.match(/<seclabel[\s\S]*<\/domain>/)?.[0] ?? "").replace("</domain>", "").replace(/>\s+/g, ">").trim();
}

function live(labels: string, isPrivileged = true): Definition {
  return changed(parse(labels), (root) => showSecurityLabels(root, { ...policy, isPrivileged }));
}

const dynamic =
  "<seclabel type='dynamic' model='dac' relabel='yes'><label>+64055:+64056</label>" +
  "<imagelabel>+64055:+64056</imagelabel></seclabel>";

// Each as libvirtd 9.0 answers it.
describe("security labels", () => {
  it("are completed, and what is so anyway is left out", () => {
    const cases: Readonly<Record<string, string>> = {
      "": "",
      "<seclabel type='none'/>": "<seclabel type='none' model='none'/>",
      "<seclabel type='dynamic'/>": "<seclabel type='none' model='none'/>",
      "<seclabel type='none' model='dac'/>": "<seclabel type='none' model='dac'/>",
      "<seclabel model='dac' type='static'><label>+0:+0</label></seclabel>":
        "<seclabel type='static' model='dac' relabel='no'><label>+0:+0</label></seclabel>",
      "<seclabel model='dac' type='dynamic'><baselabel>+7:+7</baselabel></seclabel>":
        "<seclabel type='dynamic' model='dac' relabel='yes'><baselabel>+7:+7</baselabel></seclabel>",
      [dynamic]: "",
    };
    for (const [given, expected] of Object.entries(cases))
      assert.equal(labelsIn(dumpDefinition(parse(given))), expected, given);
  });

  it("are refused when they contradict themselves", () => {
    const cases: Readonly<Record<string, string>> = {
      "<seclabel/>": "XML error: missing security model in domain seclabel",
      "<seclabel type='static'><label>a:b</label></seclabel>": "XML error: missing security model in domain seclabel",
      "<seclabel type='static' model='dac'/>": "XML error: security label is missing",
      "<seclabel type='weird'/>": "XML error: Invalid value for attribute 'type' in element 'seclabel': 'weird'.",
      "<seclabel type='none' relabel='maybe'/>":
        "XML error: Invalid value for attribute 'relabel' in element 'seclabel': 'maybe'.",
      "<seclabel type='dynamic' model='dac' relabel='no'/>":
        "unsupported configuration: dynamic label type must use resource relabeling",
      "<seclabel type='none' model='dac' relabel='yes'/>":
        "unsupported configuration: resource relabeling is not compatible with 'none' label type",
      "<seclabel type='none'/><seclabel type='none' model='dac'/>":
        "XML error: missing security model when using multiple labels",
      "<seclabel type='none' model='dac'/><seclabel type='none' model='dac'/>":
        "seclabel for model dac is already provided",
    };
    for (const [given, message] of Object.entries(cases)) {
      const isMeant = (error: unknown): boolean => error instanceof VirError && error.message === message;
      assert.throws(() => parse(given), isMeant, given);
    }
  });

  it("of a guest that runs say as whom", () => {
    const cases: Readonly<Record<string, string>> = {
      "": dynamic,
      "<seclabel type='none'/>": `<seclabel type='none' model='none'/>${dynamic}`,
      "<seclabel type='none' model='dac'/>": "<seclabel type='none' model='dac'/>",
      "<seclabel model='dac' relabel='no'/>":
        "<seclabel type='dynamic' model='dac' relabel='no'><label>+64055:+64056</label></seclabel>",
      "<seclabel type='static' model='dac' relabel='yes'><label>a:b</label></seclabel>":
        "<seclabel type='static' model='dac' relabel='yes'><label>a:b</label><imagelabel>a:b</imagelabel></seclabel>",
      "<seclabel model='dac' type='dynamic'><baselabel>+7:+7</baselabel></seclabel>": dynamic.replace(
        "</seclabel>",
        "<baselabel>+7:+7</baselabel></seclabel>",
      ),
    };
    for (const [given, expected] of Object.entries(cases)) {
      assert.equal(labelsIn(dumpDefinition(live(given), { id: 1 })), expected, given);
      const again = changed(live(given), (root) => showSecurityLabels(root, policy));
      assert.equal(labelsIn(dumpDefinition(again, { id: 1 })), expected, `${given}, for another run`);
    }
    assert.equal(labelsIn(dumpDefinition(live("", false), { id: 1 })), "");
  });

  it("of one run are not shown in what it is defined as, nor kept with its memory", () => {
    assert.equal(labelsIn(dumpDefinition(live(""))), "");
    assert.equal(labelsIn(migratable(live("")).toXml()), "");
    const unchanged = "<seclabel model='dac' relabel='no'/>";
    assert.equal(labelsIn(dumpDefinition(live(unchanged))), unchanged);
    const other = "<seclabel type='static' model='dac' relabel='yes'><label>a:b</label></seclabel>";
    assert.equal(labelsIn(dumpDefinition(live(other))), other);
  });

  it("of models that are not there keep a guest from starting", () => {
    const isMeant = (model: string) => (error: unknown) =>
      error instanceof VirError &&
      error.message === `unsupported configuration: Security driver model '${model}' is not available`;
    assert.throws(
      () => live("<seclabel type='static' model='selinux'><label>x</label></seclabel>"),
      isMeant("selinux"),
    );
    assert.throws(() => live("<seclabel type='none' model='dac'/>", false), isMeant("dac"));
  });
});
