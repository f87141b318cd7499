import assert from "node:assert/strict";
import { test } from "node:test";
import { campaign, type Finding, shorten } from "../../fuzz/campaign.ts";
import { longest, mutate } from "../../fuzz/mutate.ts";
import { Random } from "../../fuzz/random.ts";
import type { Target } from "../../fuzz/target.ts";

const corpus = ["one two three", "<a/>"].map((text) => new TextEncoder().encode(text));
const dictionary = [new TextEncoder().encode("needle")];

/** Does not stand one word. */
const planted: Target = {
  name: "planted",
  dictionary,
  check(input) {
    if (new TextDecoder().decode(input).includes("needle")) throw new RangeError("found the needle");
  },
};

test("a seed and the number of a run are an input, whatever ran before", () => {
  const input = (seed: number, run: number): Uint8Array => mutate(new Random(seed, run), corpus, dictionary);
  for (let run = 0; run < 50; run++) assert.deepEqual(input(7, run), input(7, run));
  const different = new Set(Array.from({ length: 50 }, (_, run) => String(input(7, run))));
  assert.ok(different.size > 40, String(different.size));
  assert.notDeepEqual(input(7, 3), input(8, 3));
});

test("no input is longer than the longest", () => {
  const big = [new Uint8Array(longest)];
  for (let run = 0; run < 200; run++) assert.ok(mutate(new Random(1, run), big, dictionary).length <= longest);
});

test("a defect is found, found again from its seed and run, and shortened to what shows it", async () => {
  const found = (await campaign(planted, { corpus, seed: 1, from: 0, until: 1_000 })) as Finding;
  assert.ok(found.error instanceof RangeError);
  const again = await campaign(planted, { corpus, seed: 1, from: found.run, until: found.run + 1 });
  assert.deepEqual((again as Finding).input, found.input);
  const short = await shorten(planted, found);
  assert.equal(new TextDecoder().decode(short.input), "needle");
});

test("without a defect it says how many runs there were, and stops when told to", async () => {
  const sound: Target = { name: "sound", dictionary, check: () => {} };
  assert.equal(await campaign(sound, { corpus, seed: 1, from: 5, until: 25 }), 20);
  assert.equal(await campaign(sound, { corpus, seed: 1, from: 0, until: 25, goOn: (run) => run < 3 }), 3);
});
