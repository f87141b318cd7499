import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { trim } from "../../../src/testkit/explorer/schedule.ts";
import { formatSchedule, parseSchedule } from "../../../src/testkit/index.ts";

suite("a schedule as a string", () => {
  test("is read back as it was, save the zeros at its end", () => {
    const choice = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: 3 }), fc.nat({ max: 1_000 }));
    fc.assert(
      fc.property(fc.array(choice, { size: "max", maxLength: 200 }), (schedule) => {
        assert.deepEqual(parseSchedule(formatSchedule(schedule)), trim(schedule));
      }),
    );
  });

  test("is short: a digit for a choice, a run of zeros by its length, nothing for the zeros at the end", () => {
    assert.equal(formatSchedule([]), "0");
    assert.equal(formatSchedule([0, 0, 0]), "0");
    assert.equal(formatSchedule([1, 0, 2, 0, 0]), "102");
    assert.equal(formatSchedule([0, 0, 0, 0, 0, 1]), "_5_1");
    assert.equal(formatSchedule([...Array.from({ length: 40 }, () => 0), 10, 35, 36]), "_14_az(36)");
  });

  test("is refused with the place of the mistake when it is none", () => {
    assert.throws(() => parseSchedule("01!2"), { name: "SyntaxError", message: /"01!2" at character 3/ });
    for (const text of ["_", "__", "(x)", "A", " 1"]) assert.throws(() => parseSchedule(text), SyntaxError);
  });
});
