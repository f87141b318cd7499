import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Inlet } from "../../src/net/inlet.ts";

/** As a socket does it: into the one buffer, again and again. */
function read(inlet: Inlet, bytes: Uint8Array): boolean {
  const { reading } = inlet;
  const buffer = reading.buffer as Uint8Array;
  buffer.set(bytes);
  return reading.callback(bytes.length, buffer);
}

suite("what a socket reads", () => {
  test("is kept in order, whatever is read into the same buffer later", () => {
    const inlet = new Inlet();
    let told = 0;
    inlet.onBytes = () => told++;
    read(inlet, Uint8Array.of(1, 2, 3));
    read(inlet, Uint8Array.of(4));
    const resume = (): never => assert.fail("it was not full");
    assert.deepEqual([inlet.length, told], [4, 2]);
    assert.deepEqual([...(inlet.take(resume) ?? [])], [1, 2, 3]);
    assert.deepEqual([...(inlet.take(resume) ?? [])], [4]);
    assert.equal(inlet.take(resume), null);
  });

  test("stops when much of it waits, and goes on when all is taken", () => {
    const inlet = new Inlet();
    const piece = new Uint8Array(65_536);
    assert.deepEqual(
      Array.from({ length: 4 }, () => read(inlet, piece)),
      [true, true, true, false],
    );
    let resumed = 0;
    for (let taken = 0; taken < 3; taken++) inlet.take(() => resumed++);
    assert.equal(resumed, 0);
    inlet.take(() => resumed++);
    assert.deepEqual([resumed, inlet.length, read(inlet, piece)], [1, 0, true]);
  });
});
