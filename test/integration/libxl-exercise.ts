/**
 * Runs in dom0, as root, on the real libxl. Prints one JSON object for the test to judge; its argument is the kernel of a
 * small paravirtualised guest.
 */
import { execFile } from "node:child_process";
import { closeSync, openSync, readdirSync } from "node:fs";
import { promisify } from "node:util";
import { domainConfig, type Keys, type Kind, type List } from "../../src/libxl/config-keys.ts";
import { type Context, type DomainConfig, LibxlError, type LogLine, openContext } from "../../src/libxl/index.ts";
import { bind, calloc, fdopen, type Pointer } from "../../src/libxl/raw.ts";
import { libraryVersions } from "../../src/libxl/versions.ts";
import { openLoop } from "../../src/os/index.ts";

const run = promisify(execFile);
const [, , kernel = ""] = process.argv;
const errors: unknown[] = [];
const log: LogLine[] = [];
const results: Record<string, unknown> = {};
const loop = openLoop({ onError: (error) => errors.push(String(error)) });

function tiny(name: string): DomainConfig {
  return {
    c_info: { type: "pv", name },
    b_info: { "type.pv": {}, max_vcpus: 1, max_memkb: 16_384, target_memkb: 16_384, kernel, cmdline: "tick=200" },
  };
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "none";
  } catch (error) {
    if (error instanceof LibxlError) return error.code;
    throw error;
  }
}

/** Keeps a domain's events, and waits for its death. */
function follow(xen: Context, domid: number): { events: string[]; died: Promise<void>; remove: () => void } {
  const events: string[] = [];
  let die = (): void => {};
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  const watch = xen.watchDomain(domid, (event) => {
    events.push(event.type === "shutdown" ? event.reason : event.type);
    if (event.type === "death") die();
  });
  return { events, died, remove: () => watch.remove() };
}

/** A value that is not the default of any key; of a "name" it is wrong, and refused where the key is known. */
const unusual: Readonly<Record<Kind, unknown>> = {
  text: "text",
  name: "no such name",
  integer: 3,
  boolean: true,
  defbool: "True",
  integers: [1],
  texts: ["text"],
  pairs: { key: "value" },
  anything: [{ leaf: 1, eax: "x" }],
};

/** Each key of the table on its own. */
function* eachKey(keys: Keys, wrap: (inner: unknown) => unknown, path: string): Generator<[string, unknown]> {
  for (const [key, kind] of Object.entries(keys))
    yield* eachValue(kind, (inner) => wrap({ [key]: inner }), `${path}.${key}`);
}

function* eachValue(
  kind: Kind | Keys | List,
  wrap: (inner: unknown) => unknown,
  path: string,
): Generator<[string, unknown]> {
  if (typeof kind === "string") yield [path, wrap(unusual[kind])];
  else if (Object.hasOwn(kind, "each")) yield* eachValue((kind as List).each, (inner) => wrap([inner]), path);
  else yield* eachKey(kind as Keys, wrap, path);
}

/** Which keys of ours libxl itself does not know: it neither refuses their values nor has them afterwards. */
function keys(): void {
  const [version = libraryVersions[0]] = libraryVersions;
  if (version === undefined) throw new Error("no version");
  const raw = bind(version);
  const out: [Pointer | null] = [null];
  const stream = fdopen(openSync("/dev/null", "w"), "w") ?? 0n;
  raw.allocContext(out, 0, 0, raw.createLogger(stream, 9, 0) ?? 0n);
  const context = out[0] ?? 0n;
  const isKnown = (value: unknown, key: string): boolean => {
    const config = calloc(1, version.layout.domainConfig.size);
    raw.initConfig(config);
    const rc = raw.parseConfig(context, config, JSON.stringify(value));
    const json = rc === 0 ? raw.printConfig(context, config) : null;
    raw.disposeConfig(config);
    return rc !== 0 || json?.includes(`"${key}"`) === true;
  };
  const all = [...eachKey(domainConfig, (inner) => inner, "")];
  const lastKey = (path: string): string => /(?:(?:type|connection)\.)?\w+$/.exec(path)?.[0] ?? path;
  results["unknown keys"] = all.filter(([path, config]) => !isKnown(config, lastKey(path))).map(([path]) => path);
  results["many keys"] = all.length > 300;
  results["a misspelt key"] = isKnown({ c_info: { nmae: "text" } }, "nmae");
  raw.freeContext(context);
}

async function refusals(xen: Context): Promise<void> {
  results["no such domain"] = [xen.domain(999), await codeOf(xen.destroy(999)), await codeOf(xen.pause(999))];
  try {
    await xen.create({ ...tiny("bad"), b_info: { ...tiny("bad").b_info, kernel: "/no/such/kernel" } });
  } catch (error) {
    const { code, log: said, domid } = error as LibxlError;
    const left = domid !== undefined && xen.domain(domid) !== undefined;
    results["no such kernel"] = [code, said.some((line) => line.includes("/no/such/kernel")), left];
  }
}

/** A function of ours throws inside libxl: that operation fails, and nothing else does. */
async function failingHook(xen: Context): Promise<void> {
  const watch = loop.watch.bind(loop);
  loop.watch = () => {
    loop.watch = watch;
    throw new Error("no room for a watch");
  };
  const code = await codeOf(xen.create(tiny("unlucky")));
  loop.watch = watch;
  results["a failing hook"] = [code === "none", errors.splice(0)];
  for (const { domid } of xen.domains()) if (domid !== 0) await xen.destroy(domid);
}

async function crowd(xen: Context, other: Context): Promise<void> {
  const names = ["a", "b", "c"];
  const domids = await Promise.all(names.map((name) => xen.create(tiny(name))));
  const lives = domids.map((domid) => follow(xen, domid));
  const stranger = follow(other, domids[0] ?? 0);
  const children = Promise.all(names.map(() => run("true")));
  await Promise.all(domids.map((domid) => xen.unpause(domid)));
  results["names"] = domids.map((domid) => xen.nameOf(domid));
  results["running"] = domids.map((domid) => other.domain(domid)?.type);
  await Promise.all(domids.map((domid) => xen.destroy(domid)));
  await Promise.all([children, stranger.died, ...lives.map(({ died }) => died)]);
  for (const { remove } of [stranger, ...lives]) remove();
  results["lives"] = [stranger, ...lives].map(({ events }) => events);
}

async function memory(xen: Context): Promise<void> {
  const config = tiny("memory");
  const domid = await xen.create({ ...config, b_info: { ...config.b_info, max_vcpus: 2, avail_vcpus: [0, 1] } });
  const { c_info, b_info } = await xen.configuration(domid);
  results["configuration"] = [c_info?.name, b_info?.max_memkb, b_info?.["type.pv"] !== undefined];
  xen.setMemoryTarget(domid, 12_288);
  const refused = await codeOf(xen.setVcpus(domid, 3));
  await xen.setVcpus(domid, 1);
  const path = `/local/domain/${domid}`;
  const availability = await run("xenstore-read", [`${path}/cpu/0/availability`, `${path}/cpu/1/availability`]);
  results["vcpus"] = [availability.stdout.split("\n").slice(0, 2), refused];
  const target = await run("xenstore-read", [`${path}/memory/target`]);
  results["memory target"] = target.stdout.trim();
  const needed = Number(xen.neededMemory(tiny("not yet")));
  const lowered = xen.shiftMemoryTarget(domid, -1_024);
  const raised = xen.shiftMemoryTarget(domid, 1_024);
  results["memory needed"] = [needed > 16_384 && needed < 32_768, Number(raised - lowered), Number(raised)];
  results["command line"] = /dom0_mem=\d+M/.test(xen.commandLine());
  results["console"] = xen.consolePath(domid).startsWith("/dev/pts/");
  // Of a guest that keeps no table of its memory libxl has nothing to write.
  results["dump"] = await codeOf(xen.dump(domid, "/tmp/dump"));
  const life = follow(xen, domid);
  await xen.destroy(domid);
  await life.died;
  life.remove();
}

/** Aborted while they are under way: whatever comes of each is told, and nothing is left. */
async function aborts(xen: Context): Promise<void> {
  const controller = new AbortController();
  const creating = xen.create(tiny("aborted"), { signal: controller.signal });
  controller.abort(new Error("enough"));
  try {
    await xen.destroy(await creating);
    results["aborted create"] = "created or aborted";
  } catch (error) {
    if (!(error instanceof LibxlError)) throw error;
    if (error.domid !== undefined && xen.domain(error.domid) !== undefined) await xen.destroy(error.domid);
    results["aborted create"] = error.code === "ABORTED" ? "created or aborted" : error.code;
  }
  // Nobody reads the pipe, so this save would never end by itself.
  await run("mkfifo", ["/tmp/full"]);
  const reader = openSync("/tmp/full", "r+");
  const domid = await xen.create(tiny("unsaved"));
  await xen.unpause(domid);
  const saving = xen.save(domid, reader, { timeoutMs: 1_500 });
  results["aborted save"] = await saving.then(
    () => "saved",
    (error: LibxlError) => [error.code, (error.cause as Error).name],
  );
  closeSync(reader);
  await xen.destroy(domid);
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;

async function step(name: string, action: () => unknown): Promise<void> {
  const from = performance.now();
  await action();
  console.error(`${name}: ${(performance.now() - from).toFixed(0)} ms`);
}

const held = descriptors();
const xen = openContext(loop, { logLevel: "debug", onLog: (line) => log.push(line) });
const other = openContext(loop);
await step("keys", keys);
await step("refusals", () => refusals(xen));
await step("failing hook", () => failingHook(xen));
await step("crowd", () => crowd(xen, other));
await step("memory", () => memory(xen));
await step("aborts", () => aborts(xen));
results["domains"] = xen.domains().map(({ domid }) => domid);
await other.close();
await xen.close();
results["outstanding"] = [xen.outstanding, other.outstanding].map((left) => Object.values(left).join());
results["logged"] = [log.length > 100, [...new Set(log.map(({ source }) => source))].includes("libxl")];
await loop.close();
// The loop's own went with it; /dev/null and the raw context of `keys` have theirs.
results["descriptors left"] = descriptors() - held;
results["errors"] = errors;
console.log(JSON.stringify(results));
