/**
 * One round through a guest's life on real Xen, as root of domain 0, with what happens printed as it does:
 *
 *     node examples/libxl-round.ts KERNEL [PVH-KERNEL]
 *
 * KERNEL is a paravirtualised kernel that obeys control/shutdown; PVH-KERNEL is started and destroyed. The Xen lab has both:
 *
 *     npm run lab:xen -- 'node examples/libxl-round.ts'
 */
import { closeSync, constants, openSync, readSync, rmSync } from "node:fs";
import { Ready } from "virtwright/event";
import { type Context, type DomainConfig, type DomainWatch, openContext } from "virtwright/libxl";
import { openLoop } from "virtwright/os";

const { XEN_LAB_GUEST, XEN_LAB_VMLINUX } = process.env;
const [kernel = XEN_LAB_GUEST ?? "", pvhKernel = XEN_LAB_VMLINUX ?? ""] = process.argv.slice(2);
const savedTo = "/tmp/libxl-round.saved";
const begun = performance.now();

function say(text: string): void {
  console.log(`${(performance.now() - begun).toFixed(0).padStart(6)} ms  ${text}`);
}

async function step<T>(what: string, action: () => Promise<T>): Promise<T> {
  const from = performance.now();
  const result = await action();
  say(`${what}: ${(performance.now() - from).toFixed(1)} ms`);
  return result;
}

function tiny(name: string): DomainConfig {
  return {
    c_info: { type: "pv", name },
    b_info: { "type.pv": {}, max_vcpus: 1, max_memkb: 16_384, target_memkb: 16_384, kernel, cmdline: "tick=200" },
  };
}

/** The guest's events, printed, and a wait for one of them. */
function follow(xen: Context, domid: number): { watch: DomainWatch; heard: (what: string) => Promise<void> } {
  const seen = new Set<string>();
  let check = (): void => {};
  const watch = xen.watchDomain(domid, (event) => {
    const what = event.type === "shutdown" ? `${event.type} ${event.reason}` : event.type;
    say(`  event of domain ${event.domid}: ${what}`);
    seen.add(what);
    check();
  });
  const heard = (what: string): Promise<void> =>
    new Promise((resolve) => {
      check = () => seen.has(what) && resolve();
      check();
    });
  return { watch, heard };
}

/** Reads a guest's terminal, on our loop, until it says so. */
async function hear(path: string, what: RegExp): Promise<void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(4_096);
  let text = "";
  const line = await new Promise<string>((resolve) => {
    const watch = loop.watch(fd, Ready.readable, () => {
      text += buffer.toString("latin1", 0, readSync(fd, buffer));
      const [found] = what.exec(text) ?? [];
      if (found === undefined) return;
      watch.remove();
      resolve(found);
    });
  });
  closeSync(fd);
  say(`  it says: ${line}`);
}

async function start(xen: Context, name: string): Promise<number> {
  const onConsole = (domid: number): void => say(`  console of domain ${domid}: ${xen.consolePath(domid)}`);
  const domid = await step(`create ${name}`, () => xen.create(tiny(name), { onConsole }));
  await step("unpause", () => xen.unpause(domid));
  return domid;
}

async function destroy(xen: Context, domid: number, { watch, heard }: ReturnType<typeof follow>): Promise<void> {
  await step("destroy", () => xen.destroy(domid));
  await heard("death");
  watch.remove();
}

async function save(xen: Context, domid: number): Promise<void> {
  const fd = openSync(savedTo, "w", 0o600);
  await step("save", () => xen.save(domid, fd));
  closeSync(fd);
}

async function restore(xen: Context, name: string): Promise<number> {
  const fd = openSync(savedTo, "r");
  const domid = await step("restore", () => xen.restore(tiny(name), fd));
  closeSync(fd);
  rmSync(savedTo);
  return domid;
}

async function pvRound(xen: Context): Promise<void> {
  const first = await start(xen, "round");
  const listed = xen.domains().map(({ domid }) => `${domid} ${xen.nameOf(domid)}`);
  say(`  listed: ${listed.join(", ")}`);
  const life = follow(xen, first);
  await step("pause", () => xen.pause(first));
  say(`  paused: ${xen.domain(first)?.paused}`);
  await step("unpause", () => xen.unpause(first));
  await step("console", () => hear(xen.consolePath(first), /^up .*?(?=\r)/m));
  await step("ask for a reboot", () => xen.reboot(first));
  await life.heard("shutdown reboot");
  await destroy(xen, first, life);

  const second = await start(xen, "round");
  const secondLife = follow(xen, second);
  await save(xen, second);
  await secondLife.heard("shutdown suspend");
  await destroy(xen, second, secondLife);

  const third = await restore(xen, "round");
  const thirdLife = follow(xen, third);
  await step("unpause", () => xen.unpause(third));
  await step("ask for a shutdown", () => xen.shutdown(third));
  await thirdLife.heard("shutdown poweroff");
  await destroy(xen, third, thirdLife);
}

async function pvhRound(xen: Context, pvh: string): Promise<void> {
  const memory = { max_memkb: 131_072, target_memkb: 131_072 };
  const domid = await step("create pvh", () =>
    xen.create({
      c_info: { type: "pvh", name: "pvh" },
      b_info: { "type.pvh": {}, max_vcpus: 1, ...memory, kernel: pvh, cmdline: "console=hvc0", tsc_mode: "native" },
    }),
  );
  const life = follow(xen, domid);
  await step("unpause", () => xen.unpause(domid));
  await step("console", () => hear(xen.consolePath(domid), /Linux version [^ ]+/));
  await destroy(xen, domid, life);
}

await using loop = openLoop();
await using xen = openContext(loop, { onLog: ({ level, message }) => say(`  libxl, ${level}: ${message}`) });
say(`libxl ${xen.version}`);
await pvRound(xen);
if (pvhKernel !== "") await pvhRound(xen, pvhKernel);
await step("close", () => xen.close());
say(`left: ${JSON.stringify(xen.outstanding)}`);
