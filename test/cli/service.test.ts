import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, suite, type TestContext, test } from "node:test";
import { trialPlaces } from "../../src/cli/places.ts";
import { type DriverName, Service } from "../../src/cli/service.ts";
import { XenDriver } from "../../src/driver/xen/index.ts";

suite("a service whose state another version has written", () => {
  let directory: string;
  const open = (...drivers: DriverName[]): Promise<Service> =>
    Service.open({ drivers, uri: "qemu:///session", places: trialPlaces(directory), log: () => {} });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "vw-service-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** All that have a format of their own. */
  function places(): string[] {
    const { stateDir, runDir, resources, xenStateDir, xenRunDir } = trialPlaces(directory);
    return [stateDir, runDir, ...Object.values(resources), xenStateDir, xenRunDir] as string[];
  }

  function write(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** As for root in domain 0; nothing is asked of Xen before the formats have been looked at. */
  function asOnXen(context: TestContext): void {
    context.mock.method(XenDriver, "isHere", () => true);
    context.mock.method(process as Required<Pick<NodeJS.Process, "getuid">>, "getuid", () => 0);
  }

  for (const text of ["virtwright 99\n", "something else\n"])
    test(`does not begin, whichever driver's it is, and changes nothing: ${JSON.stringify(text)}`, async (context) => {
      asOnXen(context);
      for (const place of places()) {
        write(join(place, "format"), text);
        await assert.rejects(
          open("qemu", "xen", "test"),
          { name: "StateError", message: /nothing was changed/ },
          place,
        );
        await assert.rejects(open("test", "xen", "qemu"), { name: "StateError" }, place);
        const written = places().filter((each) => existsSync(each) && readdirSync(each).length > 0);
        assert.deepEqual(written, [place], "the others are as they were");
        assert.deepEqual([readdirSync(place), readFileSync(join(place, "format"), "utf8")], [["format"], text]);
        rmSync(place, { recursive: true });
      }
    });

  test("serves what it can where that is of a driver that is not served here", async (context) => {
    context.mock.method(XenDriver, "isHere", () => false);
    const { xenStateDir } = trialPlaces(directory);
    write(join(xenStateDir, "format"), "virtwright 99\n");
    await using service = await open("xen", "test");
    assert.deepEqual(service.uris, ["test:///default"]);
    assert.deepEqual(readdirSync(xenStateDir), ["format"]);
  });
});
