import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type SelftestOptions, type SelftestResult, selftest, tapStep } from "../../../src/acceptance/index.ts";
import { Connection } from "../../../src/client/index.ts";
import { Daemon } from "../../../src/daemon/index.ts";
import { XenDriver } from "../../../src/driver/xen/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { pairInMemory } from "../../../src/rpc/index.ts";
import { FakeXen } from "./fake-xen.ts";

/** A fake whose guests say something on a console of their own, as each run has one. */
class TalkingXen extends FakeXen {
  readonly #directory: string;
  readonly #consoles = new Map<number, number>();

  constructor(directory: string, later: (act: () => void) => void) {
    super({ turn: async () => {}, later: (_what, act) => later(act) });
    this.#directory = directory;
  }

  override async consolePath(domid = 0): Promise<string> {
    const path = join(this.#directory, `console-${domid}`);
    if (!this.#consoles.has(domid)) {
      execFileSync("mkfifo", [path]);
      const console = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
      writeSync(console, "up and ready\r\n");
      this.#consoles.set(domid, console);
    }
    return path;
  }

  closeConsoles(): void {
    for (const console of this.#consoles.values()) closeSync(console);
  }
}

const definition =
  "<domain type='xen'><name>a</name><memory unit='MiB'>16</memory><vcpu current='1'>2</vcpu>" +
  "<os><type>linux</type><kernel>/k</kernel></os></domain>";

async function run(options: SelftestOptions, spoil: (xen: TalkingXen) => void = () => {}): Promise<SelftestResult> {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-"));
  await using loop = openLoop();
  const xen = new TalkingXen(directory, (act) => void loop.post(act));
  spoil(xen);
  const places = { stateDir: join(directory, "state"), runDir: join(directory, "run") };
  try {
    await using driver = await XenDriver.open(loop, { ...places, xen: xen.surroundings, onWarning: () => {} });
    await using daemon = new Daemon(loop, { drivers: [driver] });
    const connect = async () => {
      const [near, far] = pairInMemory(loop);
      daemon.accept(near);
      return far;
    };
    await using connection = await Connection.open({ loop, name: "xen:///system", connect });
    const images = mkdtempSync(join(directory, "images-"));
    const given = { definition, ready: "up and ready", directory: images, ...options };
    const result = await selftest(connection, { ...given, remove: async (path) => rmSync(path, { force: true }) });
    assert.deepEqual(readdirSync(images), []);
    return result;
  } finally {
    xen.closeConsoles();
    rmSync(directory, { recursive: true });
  }
}

/** Xen alone is a fake. On real Xen: `npm run lab:xen -- 'npm run test:acceptance -- xen:///system'`. */
describe("the acceptance suite on the Xen driver", { timeout: 60_000 }, () => {
  it("is passed, four guests at once, and says what it leaves out", async () => {
    const { steps, leaks, ok } = await run({ domains: 4, rounds: 3 });
    const of = (outcome: string) => steps.filter((step) => step.outcome === outcome);
    assert.equal(of("failed").map(tapStep).join(""), "");
    assert.deepEqual([leaks, ok, of("ok").length], [[], true, 4 * 3 * 18]);
    assert.deepEqual(
      [...new Set(of("skipped").map(({ step, reason }) => `${step}: ${reason}`))],
      [
        "mark: there is no shell on its console: give --definition, --ready and --shell",
        "saveFull: no disk is there that is full",
        "recall: there is no shell on its console: give --definition, --ready and --shell",
        "freeze: Xen itself runs it, no process does",
        "kill: Xen itself runs it, no process does",
      ],
    );
  });

  /** What is done wrong, and the first step that finds it. */
  const faults: readonly [string, string, (xen: TalkingXen) => void][] = [
    [
      "a number that is used again",
      "create",
      (xen) => Object.defineProperty(xen, "nextId", { get: () => 1, set: () => {} }),
    ],
    ["a guest that does not reboot", "reboot", (xen) => void (xen.reboot = async () => {})],
    [
      "a guest that powers off when it is to reboot",
      "reboot",
      (xen) => void (xen.reboot = (domid) => xen.shutdown(domid)),
    ],
    [
      "a guest that goes on while it is suspended",
      "suspend",
      (xen) => void (xen.pause = async (domid) => xen.end(domid, "crash")),
    ],
    [
      "a guest without a console",
      "reboot",
      (xen) => void (xen.consolePath = () => Promise.reject(new Error("no console"))),
    ],
    ["processors that are not given", "setVcpus", (xen) => void (xen.setVcpus = () => Promise.reject(new Error("no")))],
  ];
  for (const [what, step, spoil] of faults) {
    it(`finds ${what}`, async () => {
      const { steps, ok } = await run({ deadlineMs: 1_000 }, spoil);
      assert.equal(ok, false);
      assert.equal(steps.find(({ outcome }) => outcome === "failed")?.step, step);
    });
  }
});
