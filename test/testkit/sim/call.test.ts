import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { explore } from "../../../src/testkit/index.ts";

suite("a call with steps of its own, from synchronous code", () => {
  test("runs before its actor goes on, while others may run, and settles in the step that ends it", () => {
    const stories = new Set<string>();
    const { failing } = explore((sim) => {
      let story = "";
      const callback = (): PromiseLike<void> =>
        sim.call("callback", function* () {
          story += "in ";
          yield sim.step("half way");
          story += "out ";
        });
      sim.spawn("loop", function* () {
        yield sim.step("enter");
        let over = false;
        void callback().then(() => {
          over = true;
        });
        yield sim.step("go on");
        if (!over) sim.fail("assertion", "the actor went on before its call had ended");
        story += "on ";
      });
      sim.spawn("other", function* () {
        yield sim.step("step");
        story += "other ";
      });
      sim.atEnd(() => stories.add(story.trim()));
    });
    assert.equal(failing, undefined);
    assert.deepEqual([...stories].sort(), ["in other out on", "in out on other", "in out other on", "other in out on"]);
  });
});
