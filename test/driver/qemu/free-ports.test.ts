import assert from "node:assert/strict";
import { it } from "node:test";
import { FreePorts } from "../../../src/driver/qemu/free-ports.ts";
import { HandLoop } from "../../qmp/hand-host.ts";

it("a port is given to one guest, until it would have it", async () => {
  const hand = new HandLoop();
  const ports = new FreePorts(hand.loop, 1_000, async (port) => port !== 5_901);
  assert.equal(await ports.take(5_900), 5_900);
  assert.equal(await ports.take(5_900), 5_902, "5901 is somebody else's");
  await hand.pass(1_000, 500);
  assert.equal(await ports.take(5_900), 5_900);
});

it("two guests that ask at once get two ports", async () => {
  const ports = new FreePorts(new HandLoop().loop, 1_000, async () => true);
  assert.deepEqual(await Promise.all([ports.take(5_900), ports.take(5_900)]), [5_900, 5_901]);
});

it("there may be none", async () => {
  const ports = new FreePorts(new HandLoop().loop, 1_000, async () => false);
  await assert.rejects(ports.take(65_530), { message: /Unable to find an unused port in range '65530-65535'/ });
});
