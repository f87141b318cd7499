// Makes the checkout runnable. Plain JavaScript without dependencies: this file alone runs on the system's own Node (>= 20).
//   node tools/setup.mjs            the locked npm packages and the project's own Node
//   node tools/setup.mjs apt a b c  and these Debian packages, where installing them harms nobody
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const stamp = join(modules, ".setup-stamp");
const lock = join(root, ".setup-lock");
const node = join(modules, ".bin", "node");

/** npm must not run on the Node that it is about to replace, so the PATH it gets leaves node_modules/.bin out. */
const env = {
  ...process.env,
  PATH: (process.env.PATH ?? "")
    .split(delimiter)
    .filter((directory) => !directory.includes(join("node_modules", ".bin")))
    .join(delimiter),
};

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

function run(command, args) {
  process.stderr.write(`setup: ${command} ${args.join(" ")}\n`);
  return spawnSync(command, args, { cwd: root, env, stdio: ["ignore", 2, 2] }).status === 0;
}

/** What the installed packages depend on: another lock file, another Node or another machine means to install again. */
function fingerprint() {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}`);
  for (const file of ["package-lock.json", "tools/node/package.json"]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function isReady() {
  return existsSync(node) && existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint();
}

function installNpmPackages() {
  const flags = ["--include=dev", "--include=optional", "--ignore-scripts", "--engine-strict=false"];
  if (!run("npm", ["ci", ...flags, "--no-audit", "--no-fund", "--loglevel=error"])) {
    fail("npm ci failed. Check that the registry answers (npm ping), then run the same command again.");
  }
  const wanted = JSON.parse(readFileSync(join(root, "tools/node/package.json"), "utf8")).version;
  const found = spawnSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).stdout?.trim() || "none";
  if (found !== wanted) {
    const platform = `${process.platform}-${process.arch}`;
    fail(`no Node ${wanted} for ${platform} (found: ${found}). Install Node 24 and link it to node_modules/.bin/node.`);
  }
  writeFileSync(stamp, fingerprint());
}

/** One set-up at a time: `npm start` and `npm test` may begin together in one checkout. */
async function withLock(work) {
  for (let tries = 0; ; tries++) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (tries === 600) fail(`another set-up has held ${lock} for 5 minutes; remove it if none is running`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  process.once("exit", () => rmSync(lock, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
  work();
}

function isInstalled(name) {
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f=${db:Status-Status}", name], { encoding: "utf8" });
  return stdout === "installed";
}

/** Root on a CI machine or in a container; never on a host whose services somebody relies on. */
function mayInstall() {
  return process.getuid?.() === 0 && (Boolean(process.env.CI) || !existsSync("/run/systemd/system"));
}

function installDebianPackages(packages) {
  if (spawnSync("dpkg-query", ["--version"]).status !== 0) {
    process.stderr.write(
      `setup: not a Debian or Ubuntu machine; suites that need ${packages.join(", ")} are skipped\n`,
    );
    return;
  }
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const args = ["install", "-y", "-q", "--no-install-recommends", ...missing];
  if (!mayInstall()) {
    process.stderr.write(
      `setup: the suites that need them are skipped; to run them:\n  sudo apt-get ${args.join(" ")}\n`,
    );
    return;
  }
  env.DEBIAN_FRONTEND = "noninteractive";
  if (run("apt-get", args) || (run("apt-get", ["update", "-q"]) && run("apt-get", args))) return;
  process.stderr.write(`setup: apt-get could not install ${missing.join(", ")}; suites that need them are skipped\n`);
}

const [mode, ...packages] = process.argv.slice(2);
if (!isReady()) await withLock(() => isReady() || installNpmPackages());
if (mode === "apt") installDebianPackages(packages);
