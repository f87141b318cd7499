import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StateKeeper } from "../../../src/driver/test/state-keeper.ts";
import type { RecordStore } from "../../../src/model/index.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";

const uuid = "11111111-2222-3333-4444-555555555555";

/** A disk that takes what it is given, and then fails to say so. */
class DoubtfulDisk implements Pick<RecordStore, "save" | "remove"> {
  text: string | undefined;
  failures = 0;

  async save(_: string, text: string): Promise<void> {
    this.text = text;
    this.#fail();
  }

  async remove(): Promise<void> {
    this.text = undefined;
    this.#fail();
  }

  #fail(): void {
    if (this.failures-- > 0) throw new Error("the directory cannot be brought to the disk");
  }
}

function keep(disk: DoubtfulDisk, memory: { text: string | undefined }): StateKeeper {
  return new StateKeeper({
    store: disk as unknown as RecordStore,
    read: () => memory.text,
    restore: (_, text) => {
      memory.text = text;
    },
    publish: () => {},
  });
}

describe("a writing that has failed with the new text in place", () => {
  it("is undone on disk too", async () => {
    const [disk, memory] = [new DoubtfulDisk(), { text: "old" as string | undefined }];
    const keeper = keep(disk, memory);
    await keeper.settle([uuid]);
    memory.text = "new";
    disk.failures = 1;
    await assert.rejects(keeper.settle([uuid]), { code: ErrorCode.systemError });
    await keeper.idle();
    assert.deepEqual([memory.text, disk.text], ["old", "old"]);
  });

  it("is undone with the next change, when that fails as well", async () => {
    const [disk, memory] = [new DoubtfulDisk(), { text: "new" as string | undefined }];
    const keeper = keep(disk, memory);
    disk.failures = 2;
    await assert.rejects(keeper.settle([uuid]), { code: ErrorCode.systemError });
    await keeper.idle();
    disk.text = "new";
    assert.equal(memory.text, undefined);
    await keeper.settle([uuid]);
    assert.equal(disk.text, undefined);
  });
});
