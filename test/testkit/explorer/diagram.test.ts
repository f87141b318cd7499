import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import {
  diagramSvg,
  diagramText,
  explore,
  type Outcome,
  Resource,
  replay,
  type Subject,
} from "../../../src/testkit/index.ts";

const subject: Subject = (sim) => {
  const buffer = new Resource(sim, "buffer <A & B>");
  sim.spawn("user", function* () {
    yield sim.step("use it, with a label that is much too long for its column");
    buffer.use();
  });
  sim.spawn("owner", function* () {
    yield sim.step("free");
    buffer.release();
  });
};

function failing(): Outcome {
  const { failing: found } = explore(subject);
  assert.ok(found);
  return found;
}

suite("a diagram", () => {
  test("has a column for each actor, time downwards, and the failure below", () => {
    assert.equal(
      diagramText(failing()),
      [
        "user                          owner",
        "----                          -----",
        "|                             start owner",
        "|                             free",
        "|                               (buffer <A & B> is release…",
        "start user                    |",
        "use it, with a label that is… |",
        "use after release: buffer <A & B> is used after its release",
        "",
      ].join("\n"),
    );
  });

  test("as a picture is what is kept beside this test", () => {
    const golden = readFileSync(new URL("diagram.svg", import.meta.url), "utf8");
    assert.equal(diagramSvg(failing(), "Use & release"), golden);
  });

  test("of a schedule under which nothing fails says that it holds", () => {
    const outcome = replay(subject, "0");
    assert.match(diagramSvg(outcome, "harmless"), />holds</);
    assert.doesNotMatch(diagramText(outcome), /release:/);
  });
});
