import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Origin, Pkcheck } from "../../../src/daemon/index.ts";
import { AuthType } from "../../../src/protocol/index.ts";
import { Serving } from "../serving.ts";

/** Ours, so that there is such a process. */
const identity = { uid: 54_321, gid: 54_321, pid: process.pid };
const origin: Origin = { auth: "polkit", door: "unix", identity };

function serve(code: number, asked: (readonly string[])[] = []): Serving {
  const pkcheck: Pkcheck = async (args) => {
    asked.push(args);
    return code;
  };
  return new Serving({ pkcheck });
}

const fake = { name: "fake:///default", flags: 0 };

suite("a socket at which polkit lets people in", () => {
  test("says so, lets nothing else be called before, and everything after", async () => {
    const asked: (readonly string[])[] = [];
    const serving = serve(0, asked);
    const { call } = serving.connect(origin);
    await assert.rejects(serving.settle(call.connectOpen(fake)), { code: 39, message: "authentication required" });
    assert.deepEqual(await serving.settle(call.authList({})), { types: [AuthType.polkit] });
    await assert.rejects(serving.settle(call.connectOpen(fake)), { code: 39 }, "asking is not being let in");
    assert.deepEqual(await serving.settle(call.authPolkit({})), { complete: 1 });
    assert.deepEqual(await serving.settle(call.authList({})), { types: [AuthType.none] });
    await serving.settle(call.connectOpen(fake));
    const [args = []] = asked;
    assert.deepEqual([asked.length, args[1]], [1, "org.libvirt.unix.manage"]);
    assert.match(args[3] ?? "", new RegExp(`^${process.pid},[1-9][0-9]*,54321$`));
    assert.ok(args.includes("--allow-user-interaction"));
  });

  test("asks for less where one may only look", async () => {
    const asked: (readonly string[])[] = [];
    const serving = serve(0, asked);
    const { call } = serving.connect({ ...origin, readOnly: true });
    await serving.settle(call.authPolkit({}));
    assert.equal(asked[0]?.[1], "org.libvirt.unix.monitor");
  });

  test("lets root in without asking", async () => {
    const asked: (readonly string[])[] = [];
    const serving = serve(1, asked);
    const { call } = serving.connect({ ...origin, identity: { uid: 0, gid: 0, pid: process.pid } });
    assert.deepEqual(await serving.settle(call.authList({})), { types: [AuthType.none] });
    await serving.settle(call.connectOpen(fake));
    assert.deepEqual(asked, []);
  });

  for (const [code, error, message] of [
    [1, 45, "authentication failed: access denied by policy"],
    [2, 94, "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'"],
    [3, 79, "authentication cancelled: user cancelled authentication process"],
    [127, 45, "authentication failed: polkit cannot be asked"],
  ] as const)
    test(`keeps people out in libvirt's words, and says why in the log: pkcheck ends with ${code}`, async () => {
      const serving = serve(code);
      const { call } = serving.connect(origin);
      await assert.rejects(serving.settle(call.authPolkit({})), { code: error, domain: 60, message });
      await assert.rejects(serving.settle(call.connectOpen(fake)), { code: 39 });
      const lines = serving.log.filter((entry) => entry.message.includes("was not let in"));
      assert.match(lines[0]?.message ?? "", /^user 54321, process \d+ was not let in: polkit /);
    });

  test("lets nobody in of whom the kernel does not say who it is, or whose process is gone", async () => {
    for (const known of [undefined, { ...identity, pid: 2 ** 22 + 1 }]) {
      const serving = serve(0);
      const { call } = serving.connect({ ...origin, identity: known });
      await assert.rejects(serving.settle(call.authPolkit({})), { code: 45 });
    }
  });

  test("is no other door's way in", async () => {
    const serving = serve(0);
    const { call } = serving.connect({ ...origin, auth: "sasl" });
    await assert.rejects(serving.settle(call.authPolkit({})), { code: 45, message: /authentication failed$/ });
  });

  test("leaves who is being asked about when too many have not logged in, as long as there are others", () => {
    const serving = new Serving({ pkcheck: () => new Promise(() => {}), limits: { anonymousClients: 2 } });
    const asking = serving.connect(origin);
    void asking.call.authPolkit({}).catch(() => {});
    serving.world.run();
    const idle = serving.connect(origin);
    const last = serving.connect(origin);
    serving.world.run();
    assert.deepEqual(
      [asking, idle, last].map(({ closed }) => closed.length),
      [0, 1, 0],
    );
    void last.call.authPolkit({}).catch(() => {});
    serving.world.run();
    const another = serving.connect(origin);
    serving.world.run();
    assert.deepEqual(
      [asking, last, another].map(({ closed }) => closed.length),
      [1, 0, 0],
      "all are asked about",
    );
  });
});
