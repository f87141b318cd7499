/** `npm run bench -- NAME...`: each part prints one table, and ends with lines `ratio NAME VALUE` for comparison over time. */
const benches: Record<string, readonly (() => Promise<{ run(): Promise<void> }>)[]> = {
  client: [() => import("./client.ts")],
  loop: [() => import("./loop.ts"), () => import("./explorer.ts")],
  explorer: [() => import("./explorer.ts")],
  qemu: [() => import("./qemu.ts")],
  rpc: [() => import("./rpc.ts")],
  sasl: [() => import("./sasl.ts")],
  xen: [() => import("./xen.ts")],
  "xen-driver": [() => import("./xen-driver.ts")],
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(benches, name));
if (names.length === 0 || unknown.length > 0) {
  for (const name of unknown) console.error(`error: there is no bench named ${name}`);
  console.error(`benches: ${Object.keys(benches).join(", ")}`);
  process.exitCode = 1;
} else {
  for (const load of names.flatMap((name) => benches[name] ?? [])) await (await load()).run();
}
