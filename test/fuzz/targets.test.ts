import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { campaign } from "../../fuzz/campaign.ts";
import { readCorpus } from "../../fuzz/corpus.ts";
import { targets } from "../../fuzz/targets/index.ts";

/** Runs of each target: about a second. `npm run fuzz` does more. */
const runs: Readonly<Record<string, number>> = { frames: 1_500, xdr: 15_000, xl: 1_000, xml: 600 };
const seed = 1;

for (const [name, target] of Object.entries(targets)) {
  describe(`any input to ${name}`, () => {
    const corpus = readCorpus(name);

    it("that was kept does no harm", async () => {
      assert.ok(corpus.length > 0);
      for (const { file, input } of corpus) {
        await assert.doesNotReject(async () => target.check(input), file);
      }
    });

    it("made of these does none either", async () => {
      const until = runs[name] ?? 0;
      const inputs = corpus.map(({ input }) => input);
      const result = await campaign(target, { corpus: inputs, seed, from: 0, until });
      if (typeof result === "number") return assert.equal(result, until);
      const repeat = `npm run fuzz -- ${name} --seed ${seed} --from ${result.run} --runs 1`;
      assert.fail(`found in run ${result.run}: ${repeat}\n${inspect(result.error)}`);
    });
  });
}
