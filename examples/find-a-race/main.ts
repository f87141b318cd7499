import { type AsyncSim, diagramText, exploreAsync, replayAsync } from "virtwright/testkit";
import { Cache } from "./cache.ts";

/** One reads; another writes and has the cache forget, after which nobody may be given the old value. */
function story(sim: AsyncSim): void {
  let stored = "old";
  const cache = new Cache(async () => {
    const value = stored;
    await sim.step("the value is on its way");
    return value;
  });
  sim.spawn("reader", async () => {
    await cache.get("key");
  });
  sim.spawn("writer", async () => {
    await sim.step("write");
    stored = "new";
    cache.forget("key");
    await sim.step("some time later");
    const value = await cache.get("key");
    if (value !== stored) sim.fail("assertion", `the cache gives "${value}" after "${stored}" was written`);
  });
}

const { failing, executions } = await exploreAsync(story);
if (failing === undefined) console.log(`nothing found in ${executions} schedules`);
else {
  console.log(`found after ${executions} schedules; the shortest that fails is "${failing.text}"\n`);
  console.log(diagramText(failing));
  const again = await replayAsync(story, failing.text);
  console.log(`replayed: ${again.failure?.kind}`);
}
