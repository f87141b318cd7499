/**
 * Runs in dom0, on the socket of its xenstored. Prints one JSON object for the test to judge; its argument is the
 * configuration of a guest for xl.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { connectUnix, openLoop } from "../../src/os/index.ts";
import { introduceDomain, releaseDomain, type StoreWatch, Xenstore, XenstoreError } from "../../src/xenstore/index.ts";

const run = promisify(execFile);
const guestConfiguration = process.argv[2] ?? "";
const loop = openLoop({ onError: (error) => console.error(error) });

function connect(): Xenstore {
  const store = new Xenstore(loop, connectUnix(loop, "/run/xenstored/socket"));
  store.open();
  return store;
}

const store = connect();
const other = connect();
const results: Record<string, unknown> = {};

/** A watch, and a wait for its next event that satisfies a condition. */
function watching(path: string): {
  fired: string[];
  watch: StoreWatch;
  until: (holds: () => boolean) => Promise<void>;
} {
  const fired: string[] = [];
  let check = (): void => {};
  const watch = store.watch(path, (changed) => {
    fired.push(changed);
    check();
  });
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      check = () => holds() && resolve();
      check();
    });
  return { fired, watch, until };
}

async function errnoOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "none";
  } catch (error) {
    if (error instanceof XenstoreError) return error.errno;
    throw error;
  }
}

async function nodes(): Promise<void> {
  await store.write("/test/a", "eins");
  await store.mkdir("/test/b");
  const bytes = new Uint8Array([0, 255, 10]);
  await store.write("/test/bytes", bytes);
  results["values"] = [
    await store.read("/test/a"),
    [...(await store.readBytes("/test/bytes"))],
    await store.read("/test/b"),
  ];
  results["names"] = (await store.directory("/test")).sort();
  results["errors"] = await Promise.all([
    errnoOf(store.read("/nowhere")),
    errnoOf(store.read("no path")),
    errnoOf(store.getPermissions("/nowhere")),
    errnoOf(store.write("/x/".padEnd(3200, "x"), "")),
  ]);
  await store.setPermissions("/test/a", { owner: 0, others: "read", domains: [{ domain: 7, access: "both" }] });
  results["permissions"] = await store.getPermissions("/test/a");
  results["domains"] = [
    await store.getDomainPath(3),
    await store.isDomainIntroduced(0),
    await store.isDomainIntroduced(99),
  ];
}

async function manyNodes(): Promise<void> {
  const names = Array.from({ length: 1000 }, (_, index) => `number-${index}`);
  await Promise.all(names.map((name) => store.write(`/many/${name}`, "")));
  const listed = await store.directory("/many");
  results["many"] = [listed.length, new Set([...listed, ...names]).size];
  await store.rm("/many");
  results["removed"] = (await store.readIfThere("/many")) ?? "gone";
}

async function transactions(): Promise<void> {
  await store.write("/test/n", "0");
  let attempts = 0;
  const increment = (by: Xenstore): Promise<void> =>
    by.transaction(async (transaction) => {
      attempts++;
      await transaction.write("/test/n", String(Number(await transaction.read("/test/n")) + 1));
    });
  await Promise.all(Array.from({ length: 20 }, (_, index) => increment(index % 2 === 0 ? store : other)));
  results["counted"] = await store.read("/test/n");
  results["retried"] = attempts > 20;
  await store
    .transaction(async (transaction) => {
      await transaction.write("/test/undone", "");
      throw new Error("undo it");
    })
    .catch(() => undefined);
  results["undone"] = await errnoOf(store.read("/test/undone"));
}

async function watches(): Promise<void> {
  const { fired, watch, until } = watching("/test/w");
  await watch.added;
  await other.write("/test/w/below", "1");
  await until(() => fired.includes("/test/w/below"));
  const written = other.write("/test/w", "2");
  watch.remove();
  const before = fired.length;
  await Promise.all([written, watch.closed]);
  results["watch"] = [fired[0], fired.length - before, watch.state];
  results["refused"] = await errnoOf(store.watch("no path", () => undefined).added);
}

async function domains(): Promise<void> {
  const come = watching(introduceDomain);
  const gone = watching(releaseDomain);
  await Promise.all([come.watch.added, gone.watch.added]);
  await Promise.all([come.until(() => come.fired.length === 1), gone.until(() => gone.fired.length === 1)]);
  await run("xl", ["create", "-q", guestConfiguration]);
  await come.until(() => come.fired.length > 1);
  const domain = Number((await run("xl", ["domid", "tiny"])).stdout);
  results["there"] = [
    await store.isDomainIntroduced(domain),
    await store.read(`${await store.getDomainPath(domain)}/name`),
  ];
  await store.write(`/local/domain/${domain}/control/shutdown`, "poweroff");
  await gone.until(() => gone.fired.length > 1);
  results["specials"] = [come.fired[1], gone.fired[1]];
}

async function ends(): Promise<void> {
  const watch = store.watch("/test", () => undefined);
  await watch.added;
  store.close();
  await watch.closed;
  results["closed"] = [watch.state, store.state];
  other.close();
  // Rejects, naming them, when something of theirs does not end.
  await loop.close();
}

for (const part of [nodes, manyNodes, transactions, watches, domains, ends]) await part();
console.log(JSON.stringify(results));
