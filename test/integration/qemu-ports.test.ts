import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, bounded, call, withDevices } from "./qemu-bench.ts";

test("two daemons that start guests with screens at once give each a port of its own", bounded, async (context) => {
  const benches = await Promise.all([Bench.open(context), Bench.open(context)]);
  const started = benches.flatMap((bench, daemon) =>
    [1, 2, 3, 4].map(async (guest) => {
      const uuid = `33333333-0000-4000-8000-00000000000${guest}`;
      const xml = withDevices(bench, "<graphics type='vnc' autoport='yes'/>")
        .replace(/<name>.*<\/name>/, `<name>screen-${daemon}-${guest}</name>`)
        .replace(/<uuid>.*<\/uuid>/, `<uuid>${uuid}</uuid>`)
        .replace(bench.serialLog, `${bench.serialLog}-${guest}`);
      const dom = await bench.define(xml);
      await bench.start(dom);
      const shown = await call(bench.driver, "domainGetXmlDesc", { dom, flags: 0 });
      return { bench, dom, port: /<graphics type='vnc' port='(\d+)'/.exec(shown.xml)?.[1] };
    }),
  );
  const guests = await Promise.all(started);
  assert.equal(new Set(guests.map(({ port }) => port)).size, 8, guests.map(({ port }) => port).join());
  for (const { bench, dom } of guests) await call(bench.driver, "domainDestroy", { dom });
});
