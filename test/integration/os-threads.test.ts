import assert from "node:assert/strict";
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { suite, test } from "node:test";
import { Worker } from "node:worker_threads";
import { openInbox, openLoop } from "../../src/os/index.ts";
import { openDescriptors } from "../os/descriptors.ts";
import { exerciseLoop, exerciseUrl, type Orders } from "./os-exercise.ts";

const expected = ["watch", "timeout", "transport"];

suite("a loop works the same way", () => {
  test("in the main thread", async () => {
    assert.deepEqual(await exerciseLoop(), expected);
  });

  test("in a Worker, and in several at once", async () => {
    const workers = [1, 2, 3].map(() => new Worker(exerciseUrl));
    for (const [result] of await Promise.all(workers.map((worker) => once(worker, "message")))) {
      // Workers share the descriptors of the process, so only the events are its own.
      assert.deepEqual((result as string[]).slice(0, 3), expected);
    }
    for (const worker of workers) await worker.terminate();
  });

  test("in a forked process", async () => {
    const child = fork(exerciseUrl, ["forked"]);
    const [result] = await once(child, "message");
    assert.deepEqual(result, expected);
    child.disconnect();
    await once(child, "exit");
  });
});

suite("the process stays alive", () => {
  /** Runs a program that has `loop` and `Ready`, and ends by itself or is killed. */
  function outputOf(program: string, input = ""): string {
    const index = new URL("../../src/os/index.ts", import.meta.url);
    const host = new URL("../../src/event/host.ts", import.meta.url);
    const head = `import { openLoop } from "${index.href}"; import { Ready } from "${host.href}"; const loop = openLoop();`;
    const code = `${head} process.on("exit", () => console.log("end")); ${program}`;
    const args = ["--input-type=module-typescript", "--eval", code];
    return spawnSync(process.execPath, args, { input, timeout: 10_000, encoding: "utf8" }).stdout;
  }

  test("not for a loop that nothing is registered with", () => {
    assert.equal(outputOf(""), "end\n");
  });

  test("for a deadline", () => {
    assert.equal(outputOf(`loop.timeout(loop.now() + 20, () => console.log("due"));`), "due\nend\n");
  });

  test("for a watch", () => {
    const program = `
      import { readSync } from "node:fs";
      const watch = loop.watch(0, Ready.readable, () => {
        if (readSync(0, Buffer.alloc(8)) === 0) return watch.remove();
        console.log("input");
      });`;
    assert.equal(outputOf(program, "x"), "input\nend\n");
  });

  test("for a post", () => {
    assert.equal(outputOf(`loop.post(() => console.log("posted"));`), "posted\nend\n");
  });

  test("and an error without a handler ends it", () => {
    assert.equal(
      outputOf(`loop.timeout("now", () => { throw new Error("oops"); }); setTimeout(() => {}, 9000);`),
      "end\n",
    );
  });
});

suite("an inbox", () => {
  function flood(orders: Orders): { worker: Worker; posted: Promise<number> } {
    const transferList = orders.inbox === undefined ? [] : [orders.inbox.port];
    const worker = new Worker(exerciseUrl, { workerData: orders, transferList });
    return { worker, posted: once(worker, "message").then(([count]) => count as number) };
  }

  test("receives everything that several threads post, each in its order", async () => {
    const before = openDescriptors();
    const loop = openLoop();
    const count = 20_000;
    const last = new Map<string, number>();
    let received = 0;
    const inbox = openInbox<string>(loop, (value) => {
      const [name = "", number] = value.split(" ");
      assert.equal(Number(number), (last.get(name) ?? 0) + 1);
      last.set(name, Number(number));
      if (++received === 3 * count) inbox.close();
    });
    const floods = ["a", "b", "c"].map((name) => flood({ inbox: inbox.newAddress(), name, count }));
    await inbox.closed;
    assert.deepEqual([...last.values()], [count, count, count]);
    for (const { worker, posted } of floods) {
      assert.equal(await posted, count);
      await worker.terminate();
    }
    await loop.close();
    assert.deepEqual(openDescriptors(), before);
  });

  test("that closes under fire delivers nothing more, stops the senders and frees its descriptor", async () => {
    const before = openDescriptors();
    const loop = openLoop();
    for (let round = 0; round < 5; round++) {
      let received = 0;
      const inbox = openInbox<string>(loop, (): void => {
        assert.equal(inbox.state, "open");
        if (++received === 1000) inbox.close();
      });
      const floods = ["a", "b"].map((name) => flood({ inbox: inbox.newAddress(), name }));
      await inbox.closed;
      for (const { worker, posted } of floods) {
        assert.ok((await posted) >= 0);
        await worker.terminate();
      }
      assert.equal(received, 1000);
    }
    await loop.close();
    assert.deepEqual(openDescriptors(), before);
  });

  test("survives a sender that is terminated", async () => {
    const loop = openLoop();
    let received = 0;
    const inbox = openInbox<string>(loop, () => received++);
    const { worker } = flood({ inbox: inbox.newAddress(), name: "doomed" });
    while (received === 0) await new Promise(setImmediate);
    await worker.terminate();
    const { worker: next, posted } = flood({ inbox: inbox.newAddress(), name: "next", count: 10 });
    assert.equal(await posted, 10);
    await next.terminate();
    await loop.close();
  });
});
