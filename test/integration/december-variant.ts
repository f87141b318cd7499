/**
 * Runs in dom0, as root: `december-variant.ts VARIANT LIVES TURNS KERNEL` takes so many guests through their lives, with
 * each call into libxl held back by up to TURNS turns. VARIANT is the name of a mutation of the hooks, or "ours". Prints
 * one JSON object when it comes to its end.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import type * as Events from "../../src/event/index.ts";
import type * as Libxl from "../../src/libxl/index.ts";
import type * as Os from "../../src/os/index.ts";
import { mutations } from "../mutations/mutations.ts";

const [, , variant = "ours", lives = "1", turns = "0", kernel = ""] = process.argv;
const hooksFile = "/src/event/osevent-hooks.ts";

registerHooks({
  load(url, context, next) {
    const mutation = mutations.find(({ name }) => name === variant);
    if (mutation === undefined || !url.endsWith(hooksFile)) return next(url, context);
    let source = readFileSync(new URL(url), "utf8");
    for (const { find, replace } of mutation.patches) source = source.replace(find, () => replace);
    return { format: "module-typescript", source, shortCircuit: true };
  },
});

const source = new URL("../../src/", import.meta.url).href;
const { Deferred } = (await import(`${source}event/index.ts`)) as typeof Events;
const { openContext } = (await import(`${source}libxl/index.ts`)) as typeof Libxl;
const { openLoop } = (await import(`${source}os/index.ts`)) as typeof Os;

const errors: unknown[] = [];
const loop = openLoop({ onError: (error) => errors.push(String(error)) });
let count = 0;
const holdBack = (): number => (Number(turns) === 0 ? 0 : count++ % (Number(turns) + 1));
const xen = openContext(loop, { holdBack });
let deaths = 0;

for (let life = 0; life < Number(lives); life++) {
  const memory = { max_memkb: 16_384, target_memkb: 16_384 };
  const config = {
    c_info: { type: "pv", name: `life-${life}` },
    b_info: { "type.pv": {}, max_vcpus: 1, ...memory, kernel, cmdline: "tick=50" },
  };
  const timeoutMs = 8_000;
  const domid = await xen.create(config, { timeoutMs });
  const died = new Deferred();
  const watch = xen.watchDomain(domid, ({ type }) => {
    if (type !== "death") return;
    deaths++;
    died.resolve();
  });
  await xen.unpause(domid, { timeoutMs });
  if (life % 3 === 0) await xen.pause(domid, { timeoutMs });
  await xen.destroy(domid, { timeoutMs });
  await died.promise;
  watch.remove();
}
const left = xen.domains().length - 1;
await xen.close(8_000);
const { registrations, operations } = xen.outstanding;
await loop.close();
console.log(JSON.stringify({ deaths, left, registrations, operations, late: xen.lateCalls, errors }));
