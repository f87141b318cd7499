import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContext, Page } from "playwright-core";
import { servePage } from "../../examples/page/page-server.ts";
import { Daemon, type LogEntry } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { ErrorCode, remote } from "../../src/protocol/index.ts";
import { Connection, clientOf, pairInMemory } from "../../src/rpc/index.ts";
import { chromiumPath, openChromium } from "./browser/chromium.ts";

const skip = chromiumPath === undefined && "no chromium: apt-get install chromium-headless-shell";
/** A page has some hundred modules to load, on a machine that may be busy. */
const patience = { timeout: 60_000 };
const xmlDesc =
  "<domain type='test'><name>web</name><memory>8192</memory><os><type>hvm</type></os><devices><serial type='pty'/></devices></domain>";

suite("a browser's page", { skip, timeout: 300_000 }, () => {
  const parts = new AsyncDisposableStack();
  const log: LogEntry[] = [];
  const loop = parts.use(openLoop());
  const driver = parts.use(new TestDriver(loop));
  let [origin, foreign] = ["", ""];
  let context: BrowserContext;
  let run: { readonly daemon: Daemon; readonly url: string; readonly token: string };

  before(async () => {
    const browser = await openChromium();
    parts.defer(() => browser.close());
    context = await browser.newContext();
    context.setDefaultTimeout(patience.timeout);
    context.on("weberror", (error) => assert.fail(error.error()));
    [origin, foreign] = [await serve(), await serve()];
  });
  after(() => parts.disposeAsync());

  beforeEach(() => startDaemon("ab".repeat(32)));
  afterEach(() => run.daemon.close(0));

  async function serve(): Promise<string> {
    const server = await servePage(new URL("../../src/", import.meta.url), 0);
    parts.defer(() => {
      server.close();
      server.closeAllConnections();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function startDaemon(token: string): Promise<void> {
    log.length = 0;
    const daemon = new Daemon(loop, { drivers: [driver], log: (entry) => void log.push(entry) });
    const port = await daemon.listenForBrowsers({ host: "127.0.0.1", port: 0, origins: [origin], token });
    run = { daemon, url: `ws://127.0.0.1:${port}`, token };
  }

  /** The page, with the daemon's address and token in its own. */
  async function visit(from = origin): Promise<Page> {
    const { url, token } = run;
    const page = await context.newPage();
    await page.goto(`${from}/#${new URLSearchParams({ name: "test:///default", url, token }).toString()}`);
    return page;
  }

  const shows = (page: Page, selector: string, hasText: string | RegExp): Promise<void> =>
    page.locator(selector).filter({ hasText }).first().waitFor();

  async function untilAlone(): Promise<void> {
    for (let rounds = 0; run.daemon.size > 0; rounds++) {
      assert.ok(rounds < 1_000, "the daemon still has somebody");
      await sleep(10);
    }
  }

  /** Somebody else at the same hypervisor. */
  async function neighbour() {
    const [near, far] = pairInMemory(loop);
    run.daemon.accept(near);
    const connection = new Connection(loop, far);
    connection.open({ onClose: () => {} });
    const call = clientOf(connection, remote);
    await call.connectOpen({ name: "test:///default", flags: 0 });
    return { call, leave: () => connection.close() };
  }

  test("lists guests, hears what happens to them, has their consoles, and leaves nothing behind", async () => {
    const page = await visit();
    await shows(page, "#guests li", "test running");
    const { call, leave } = await neighbour();
    const { dom } = await call.domainCreateXml({ xmlDesc, flags: 0 });
    await shows(page, "#events li", "web started");
    await shows(page, "#guests li", "web running");
    await page.locator("#guests li").filter({ hasText: "web" }).getByRole("button").click();
    await shows(page, "#screen", "web login: ");
    await page.locator("#line input").fill("hello from a page");
    await page.locator("#line input").press("Enter");
    // It shows what is typed, and says it once more.
    await shows(page, "#screen", /login: hello from a page\s+hello from a page\s+web login: $/);
    await call.domainDestroy({ dom });
    await shows(page, "#events li", "web stopped");
    assert.equal(await page.locator("#trouble").textContent(), "");
    leave();
    await page.close();
    await untilAlone();
  });

  test("gets nothing when its origin is foreign", async () => {
    const page = await visit(foreign);
    await shows(page, "#trouble", /does not let us in/);
    assert.equal(await page.locator("#guests li, #events li").count(), 0);
    assertNobodyCameIn(/its page, of "http:\/\/127\.0\.0\.1:\d+", is not on websocket_origins/);
    // Nor does it hear a reason, or a byte of anything, without the library.
    for (const protocols of [["virtwright", `token.${run.token}`], ["virtwright"], []])
      assert.deepEqual(await rawly(page, protocols), ["error", 1_006, ""]);
    const address = JSON.stringify(run.url.replace("ws", "http"));
    assert.equal(await page.evaluate(`fetch(${address}).then(() => "read", () => "kept from us")`), "kept from us");
    await page.close();
  });

  test("gets nothing without a token, with a wrong one, and with that of the daemon's run before", async () => {
    const page = await visit();
    await shows(page, "#guests li", "test running");
    const { token: old } = run;
    await run.daemon.close(0);
    await startDaemon("cd".repeat(32));
    for (const [token, reason] of [
      ["", /it has no token/],
      [`${"cd".repeat(31)}ce`, /it has a wrong token/],
      [old, /it has a wrong token/],
    ] as const) {
      log.length = 0;
      assert.equal(await tryToOpen(page, token), ErrorCode.systemError);
      assertNobodyCameIn(reason);
    }
    for (const protocols of [["virtwright", `token.${old}`], ["virtwright"], []])
      assert.deepEqual(await rawly(page, protocols), ["error", 1_006, ""]);
    assert.equal(await tryToOpen(page, run.token), "TEST");
    await page.close();
    await untilAlone();
  });

  function assertNobodyCameIn(reason: RegExp): void {
    assert.equal(run.daemon.size, 0);
    const said = log.map(({ message }) => message).join("\n");
    assert.match(said, reason);
    assert.doesNotMatch(said, /^connected/m);
  }

  /** What the server is, or the code of the error. */
  function tryToOpen(page: Page, token: string): Promise<unknown> {
    const options = JSON.stringify({ token, name: "test:///default" });
    return page.evaluate(`import("/modules/web/index.js").then(async ({ openWebSocket }) => {
      await using connection = await openWebSocket(${JSON.stringify(run.url)}, ${options});
      return await connection.getType();
    }).catch(({ code }) => code)`);
  }

  /** All that a page's own WebSocket hears. */
  function rawly(page: Page, protocols: readonly string[]): Promise<unknown> {
    return page.evaluate(`new Promise((resolve) => {
      const seen = [];
      const socket = new WebSocket(${JSON.stringify(run.url)}, ${JSON.stringify(protocols)});
      for (const name of ["open", "message", "error"]) socket.addEventListener(name, () => seen.push(name));
      socket.addEventListener("close", ({ code, reason }) => resolve([...seen, code, reason]));
    })`);
  }
});
