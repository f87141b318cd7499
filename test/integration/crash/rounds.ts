/**
 * Runs in dom0, as root: `rounds.ts GUESTS ROUNDS CONFIG-AS-JSON`, what control.c does, through us.
 */
import { openContext } from "../../../src/libxl/index.ts";
import { openLoop } from "../../../src/os/index.ts";

const [, , guests = "10", rounds = "1", json = "{}"] = process.argv;
const loop = openLoop();
const xen = openContext(loop);
for (let round = 0; round < Number(rounds); round++) {
  const numbers = Array.from({ length: Number(guests) }, (_, index) => round * Number(guests) + index);
  const domids = await Promise.all(numbers.map((number) => xen.create(JSON.parse(json.replace("%d", `${number}`)))));
  const watches = domids.map((domid) => xen.watchDomain(domid, () => {}));
  await Promise.all(domids.map((domid) => xen.unpause(domid)));
  await Promise.all(domids.map((domid) => xen.destroy(domid)));
  for (const watch of watches) watch.remove();
  console.log(`round ${round + 1}, ${xen.domains().length - 1} left`);
}
await xen.close();
await loop.close();
