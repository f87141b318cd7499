import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { networkSection } from "../../../src/driver/network/network-sections.ts";
import { parseXml } from "../../../src/xml/index.ts";

/** virNetworkUpdateSection, and an entry that lacks what it must have. */
const incomplete: readonly (readonly [number, string])[] = [
  [4, "<host mac='aa:bb:cc:dd:ee:01'/>"],
  [4, "<host ip='192.168.122.9'/>"],
  [5, "<range start='192.168.122.9'/>"],
  [7, "<interface/>"],
  [9, "<portgroup/>"],
  [10, "<host ip='1.2.3.4'/>"],
  [10, "<host><hostname>a</hostname></host>"],
  [11, "<txt name='a'/>"],
  [11, "<txt name='a b' value='c'/>"],
  [12, "<srv service='a'/>"],
  [12, "<srv protocol='tcp'/>"],
];

function check(number: number, xml: string, isRemoval: boolean): void {
  const section = networkSection(number);
  if (typeof section === "object") section.check(parseXml(xml).root, "net", isRemoval);
}

describe("an entry of a network", () => {
  for (const [number, xml] of incomplete) {
    it(`is not added without what it must have: ${xml}`, () =>
      assert.throws(() => check(number, xml, false), { name: "VirError" }));
  }

  it("may be named by less to be removed", () => {
    check(4, "<host mac='aa:bb:cc:dd:ee:01'/>", true);
    check(10, "<host ip='1.2.3.4'/>", true);
    check(11, "<txt name='a'/>", true);
    check(12, "<srv service='a'/>", true);
  });
});
