import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Polkit, type PolkitQuestion } from "../../../src/daemon/polkit/polkit.ts";
import { DeadlineError } from "../../../src/event/index.ts";
import { HandLoop } from "../../qmp/hand-host.ts";

interface Asked {
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  readonly answer: (code: number | undefined) => void;
}

/** A polkit whose program ends when the test says so. */
function bench(
  options: { atOnce?: number; atOnceForOne?: number; waitingForOne?: number; interactiveAtOnce?: number } = {},
): {
  readonly hand: HandLoop;
  readonly polkit: Polkit;
  readonly asked: Asked[];
} {
  const hand = new HandLoop();
  const asked: Asked[] = [];
  const polkit = new Polkit({
    loop: hand.loop,
    ...options,
    pkcheck: (args, _timeoutMs, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
        asked.push({ args, signal, answer: resolve });
      }),
  });
  return { hand, polkit, asked };
}

function question(uid = 1_000, more: Partial<PolkitQuestion> = {}): PolkitQuestion {
  return { action: "org.libvirt.unix.manage", subject: { pid: 4_711, startTime: 815, uid }, ...more };
}

suite("polkit", () => {
  test("is told of the process so that no later one is taken for it, and of the details, each as it is", async () => {
    const { polkit, asked, hand } = bench();
    const details = { domain_name: "--allow-user-interaction", domain_uuid: "u u" };
    const answer = polkit.ask(question(1_000, { details, isInteractive: true }));
    await hand.settle();
    assert.deepEqual(
      asked[0]?.args,
      "--action-id org.libvirt.unix.manage --process 4711,815,1000 --detail domain_name --allow-user-interaction"
        .split(" ")
        .concat("--detail", "domain_uuid", "u u", "--allow-user-interaction"),
    );
    asked[0]?.answer(0);
    assert.equal(await answer, "allowed");
    await hand.settle();
    assert.equal(hand.loop.size, 0, "no timer is left");
  });

  for (const [code, said] of [
    [0, "allowed"],
    [1, "denied"],
    [2, "no agent"],
    [3, "dismissed"],
  ] as const)
    test(`says ${said} when its program ends with ${code}`, async () => {
      const { polkit, asked, hand } = bench();
      const answer = polkit.ask(question());
      await hand.settle();
      asked[0]?.answer(code);
      assert.equal(await answer, said);
    });

  for (const code of [undefined, 4, 126, 127])
    test(`allows nothing when its program ends with ${code ?? "a signal"}`, async () => {
      const { polkit, asked, hand } = bench();
      const answer = assert.rejects(polkit.ask(question()), /polkit cannot be asked/);
      await hand.settle();
      asked[0]?.answer(code);
      await answer;
    });

  test("has so many processes at once, and so many for one user, whoever came first", async () => {
    const { polkit, asked, hand } = bench({ atOnce: 3, atOnceForOne: 2 });
    const greedy = Array.from({ length: 10 }, () => polkit.ask(question(1)));
    const other = polkit.ask(question(2));
    const last = polkit.ask(question(3));
    await hand.settle();
    const uids = (): string[] => asked.map(({ args }) => args[3]?.split(",")[2] ?? "");
    assert.deepEqual(uids(), ["1", "1", "2"]);
    asked[0]?.answer(0);
    await hand.settle();
    assert.deepEqual(uids(), ["1", "1", "2", "1"], "in the order of asking");
    asked[2]?.answer(0);
    await hand.settle();
    assert.deepEqual(uids(), ["1", "1", "2", "1", "3"]);
    for (let at = 0; at < 12; at++) {
      asked[at]?.answer(0);
      await hand.settle();
    }
    assert.deepEqual(await Promise.all([...greedy, other, last]), Array(12).fill("allowed"));
  });

  test("has places left when people take their time over passwords: one for each, and half of all", async () => {
    const { polkit, asked, hand } = bench({ atOnce: 3, interactiveAtOnce: 2 });
    const interactive = { isInteractive: true };
    const slow = [1, 1, 2, 3].map((uid) => polkit.ask(question(uid, interactive)));
    const quick = [polkit.ask(question(1)), polkit.ask(question(1))];
    await hand.settle();
    const uids = (): string[] => asked.map(({ args }) => args[3]?.split(",")[2] ?? "");
    assert.deepEqual(uids(), ["1", "2", "1"], "no second one for the first, and none for the third");
    asked[2]?.answer(0);
    await hand.settle();
    assert.deepEqual(uids(), ["1", "2", "1", "1"]);
    asked[3]?.answer(0);
    assert.deepEqual(await Promise.all(quick), ["allowed", "allowed"]);
    asked[1]?.answer(0);
    await hand.settle();
    assert.deepEqual(uids(), ["1", "2", "1", "1", "3"]);
    asked[0]?.answer(0);
    await hand.settle();
    for (const { answer } of asked) answer(0);
    assert.deepEqual(await Promise.all(slow), Array(4).fill("allowed"));
  });

  test("gives up in time, whether it waits or is asked, and leaves no process", async () => {
    const { polkit, asked, hand } = bench({ atOnce: 1 });
    const answers = Promise.all(
      [question(1), question(2)].map((each) => assert.rejects(polkit.ask(each), DeadlineError)),
    );
    await hand.settle();
    await hand.pass(20_000, 1_000);
    await answers;
    assert.deepEqual([asked.length, asked[0]?.signal.aborted, hand.loop.size], [1, true, 0]);
    const next = polkit.ask(question(3));
    await hand.settle();
    asked[1]?.answer(1);
    assert.equal(await next, "denied", "there is room again");
  });

  test("is not asked any more for who has left", async () => {
    const { polkit, asked, hand } = bench({ atOnce: 1 });
    const left = new AbortController();
    const answers = [question(1), question(2)].map((each) => assert.rejects(polkit.ask(each, left.signal), /has left/));
    await hand.settle();
    left.abort(new Error("it has left"));
    await Promise.all(answers);
    await hand.settle();
    assert.deepEqual([asked.length, asked[0]?.signal.aborted, hand.loop.size], [1, true, 0]);
  });

  test("has no endless queue of one user's, and others wait beside it", async () => {
    const { polkit, asked, hand } = bench({ atOnce: 1, waitingForOne: 1 });
    const answers = [polkit.ask(question(1)), polkit.ask(question(1))];
    await assert.rejects(polkit.ask(question(1)), /1 questions about user 1 are waiting for polkit already/);
    answers.push(polkit.ask(question(2)));
    for (const at of [0, 1, 2]) {
      await hand.settle();
      asked[at]?.answer(0);
    }
    assert.deepEqual(await Promise.all(answers), ["allowed", "allowed", "allowed"]);
  });
});
