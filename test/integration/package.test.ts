import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import { snippets } from "../house/snippets.ts";
import { Ways } from "./client-ways.ts";

const root = join(import.meta.dirname, "../..");
const tools = join(root, "node_modules/.bin");
const scratch = mkdtempSync(join(tmpdir(), "vw-package-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Where nothing is but what npm has put there. */
const folder = join(scratch, "empty");
mkdirSync(folder);
/** npm and npx are the system's, and run on the Node that the package asks for. */
const env = { ...process.env, PATH: `${tools}${delimiter}${process.env["PATH"]}` };

/** Its standard output; rejects with all that it has said when it fails. */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { cwd: folder, env, timeout: 60_000 })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(" ")}: ${stdout}${stderr}`, { cause: error });
  }
}

const example = snippets(readFileSync(join(root, "README.md"), "utf8")).find(({ code }) =>
  code.includes('"virtwright"'),
);

suite("the package, in an empty folder", { timeout: 150_000 }, () => {
  let tarball: string;

  before(async () => {
    execFileSync(join(tools, "tsc"), ["-b", "--stopBuildOnErrors", "src/cli", "src/web"], { cwd: root });
    execFileSync(process.execPath, ["tools/bundle.ts"], { cwd: root });
    const pack = ["pack", "--ignore-scripts", "--silent", "--pack-destination", scratch, root];
    tarball = join(scratch, (await run("npm", ...pack)).trim());
    // What nothing runs at, compiles nothing and fetches nothing.
    await run("npm", "install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", tarball);
  });

  test("has nothing that publint minds", async () => {
    await run(join(tools, "publint"), "--strict", tarball);
  });

  test("type-checks strictly, with the README's program and all that it exports", async () => {
    assert.ok(example !== undefined);
    assert.ok(example.code.trim().split("\n").length <= 24, "the README's program is short");
    writeFileSync(join(folder, "web.mts"), example.code);
    const { exports } = JSON.parse(readFileSync(join(folder, "node_modules/virtwright/package.json"), "utf8"));
    const names = Object.keys(exports as Record<string, unknown>).map((name) => `virtwright${name.slice(1)}`);
    const uses = names.map((name, index) => `import * as part${index} from "${name}";\nconsole.log(part${index});\n`);
    writeFileSync(join(folder, "all.mts"), uses.join(""));
    const language = ["--target", "es2024", "--lib", "es2024,esnext.disposable", "--types", "node"];
    const checks = ["--noEmit", "--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"];
    const types = ["--typeRoots", join(root, "node_modules/@types")];
    await run(join(tools, "tsc"), ...checks, "--module", "nodenext", ...language, ...types, "web.mts", "all.mts");
  });

  test("runs the README's program", async () => {
    assert.equal(await run("node", "web.mts"), example?.output);
  });

  test("has a command, which looks at the machine", async () => {
    assert.match(await run("npx", "virtwright", "doctor").catch(String), /ok {7}native code/);
  });

  test("has the program of libxl's processes, which says why it has no libxl", async () => {
    const code = `import { launchProcesses, XenProcesses } from "virtwright/libxl";
import { openLoop } from "virtwright/os";
await using loop = openLoop();
await using xen = new XenProcesses(loop, { launch: launchProcesses(loop, { stderr: "complaints" }), operations: 1 });
console.log(await xen.domains().then(() => "domains", ({ message }) => message));
`;
    writeFileSync(join(folder, "libxl.mts"), code);
    assert.match(await run("node", "libxl.mts"), /^domains$|^the process with libxl's context has ended: /);
    assert.equal(readFileSync(join(folder, "complaints"), "utf8"), "", "what Node says when there is no program");
  });

  test("reaches a daemon without native code", async () => {
    for (const name of ["koffi", "@koromix"]) rmSync(join(folder, "node_modules", name), { recursive: true });
    await using ways = new Ways(scratch);
    const uri = `test+tcp://localhost:${await ways.tcp()}/default`;
    const code = `import { open } from "virtwright";
await using connection = await open(${JSON.stringify(uri)});
const [test] = await connection.domains();
await using events = connection.events("lifecycle");
await events.ready;
await test?.suspend();
for await (const { domain, event } of events) {
  console.log(domain.name, event);
  break;
}
`;
    writeFileSync(join(folder, "remote.mts"), code);
    assert.equal(await run("node", "remote.mts"), "test suspended\n");
    assert.match(await run("npx", "virtwright", "--connect", uri, "list"), /test +paused/);
    assert.match(await run("npx", "virtwright", "doctor").catch(String), /native code +only remote connections work/);
  });
});
