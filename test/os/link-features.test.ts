import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { linkFeatures } from "../../src/os/index.ts";

const known = "rx tx sg tso gso gro lro rxvlan txvlan ntuple rxhash txudptnl".split(" ");

test("the loopback interface gathers and puts off the cutting of segments, and no interface but those that are there does", () => {
  const found = linkFeatures("lo");
  assert.ok(
    ["sg", "gso"].every((name) => found.includes(name)),
    found.join(" "),
  );
  assert.deepEqual(
    found,
    known.filter((name) => found.includes(name)),
  );
  for (const name of ["", "nosuch", "a-name-of-sixteen"]) assert.deepEqual(linkFeatures(name), []);
});

test("asking leaves no descriptor behind", () => {
  const count = (): number => readdirSync("/proc/self/fd").length;
  const before = count();
  for (let round = 0; round < 10; round++) linkFeatures("lo");
  assert.equal(count(), before);
});
